//! What the tables that do not declare themselves yet read by.

pub(super) use crate::config::form::{
    read_any as any, read_app_prefix as app_prefix, read_cause as cause, read_filled as filled,
    read_pointer as pointer, read_url as url,
};
