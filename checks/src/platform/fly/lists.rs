//! A list inside of an app: what stands on the app's page, and what is read on behind it, a page a call.

use std::collections::HashSet;

use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::node::Connection;
use super::query::{Refused, query};
use crate::evidence::{Fault, Reason};
use crate::platform::bulk::Bulk;
use crate::platform::paging::{More, Trail};

/// Entries that are asked for, and read, on a page.
const PAGE: usize = 100;
/// Most pages: nobody has as many machines in an app.
const MOST_PAGES: usize = 100;

/// A list inside of an app.
pub(super) struct InnerList<T> {
    /// What stands in it.
    pub of: &'static str,
    /// Its document, by name: reads it on.
    pub document: (&'static str, &'static str),
    pub read: fn(&RawValue) -> Option<T>,
    /// What tells an entry from others.
    pub key: fn(&T) -> &str,
    pub weight: fn(&T) -> usize,
}

/// The lists of one app.
pub(super) struct Inner<'a> {
    pub bulk: Bulk<'a>,
    pub app: &'a str,
}

impl Inner<'_> {
    /// A whole list: what stands on the app's page, and what has to be read on; and why something is missing.
    pub(super) async fn whole<T: Send + 'static>(&self, entries: Entries<T>) -> (Vec<T>, Option<Fault>) {
        let (mut read, fault) = self.read_on(entries).await;
        // Most lists have one entry, and a vector begins with room for four.
        read.shrink_to_fit();
        (read, fault)
    }

    async fn read_on<T: Send + 'static>(&self, mut entries: Entries<T>) -> (Vec<T>, Option<Fault>) {
        loop {
            match entries.next {
                Ok(None) => return entries.end(),
                Err(fault) => return (entries.read, entries.fault.or(Some(fault))),
                Ok(Some(ref cursor)) => match self.more(entries.list, cursor).await {
                    Ok((page, partial)) => {
                        entries.fault = entries.fault.take().or(partial);
                        let room = self.bulk.allowance.keep(page.read.len(), PAGE, page.weight);
                        entries.take(page);
                        entries.next = room.and(entries.next);
                    }
                    Err(fault) => entries.next = Err(fault),
                },
            }
        }
    }

    /// The page behind a cursor, and why it is not all of it.
    async fn more<T: Send + 'static>(
        &self,
        list: &'static InnerList<T>,
        cursor: &str,
    ) -> Result<(Page<T>, Option<Fault>), Fault> {
        let variables = json!({ "app": self.app, "after": cursor, "first": PAGE });
        let read = |data: &str| {
            let answer = serde_json::from_str::<OneApp<'_>>(data)?;
            let connection = answer.app.and_then(|app| app.list);
            Ok(connection.map(|connection| Page::read(list, &connection)))
        };
        let reply = query(self.bulk, list.document, &variables, read).await;
        let reply = reply.map_err(Refused::into_fault)?;
        let page = reply.data?.ok_or_else(|| list.left_out())?;
        Ok((page, reply.partial))
    }
}

#[derive(Deserialize)]
struct OneApp<'a> {
    #[serde(borrow)]
    app: Option<OneList<'a>>,
}

#[derive(Deserialize)]
struct OneList<'a> {
    #[serde(borrow)]
    list: Option<Connection<'a>>,
}

/// A page of a list, read.
struct Page<T> {
    read: Vec<T>,
    fault: Option<Fault>,
    total: Option<u64>,
    more: More,
    weight: usize,
}

impl<T> Page<T> {
    fn read(list: &InnerList<T>, listed: &Connection<'_>) -> Self {
        let mut page = Self {
            read: Vec::new(),
            fault: None,
            total: listed.total_count,
            more: listed.more(),
            weight: 0,
        };
        for node in listed.nodes().take(PAGE) {
            match node.and_then(list.read) {
                Some(entry) => {
                    page.weight += (list.weight)(&entry);
                    page.read.push(entry);
                }
                None => page.fault = Some(list.left_out()),
            }
        }
        if listed.nodes().count() > PAGE {
            let detail = format!("the platform lists more {} than it was asked for", list.of);
            page.fault = Some(Fault::new(Reason::PlatformMalformed, detail));
        }
        page
    }
}

/// What was read of a list so far.
pub(super) struct Entries<T: 'static> {
    list: &'static InnerList<T>,
    read: Vec<T>,
    keys: HashSet<String>,
    total: Option<u64>,
    fault: Option<Fault>,
    trail: Trail,
    /// Where the next page is.
    next: Result<Option<String>, Fault>,
    pub weight: usize,
}

impl<T> Entries<T> {
    /// Begins with what stands on an app's page.
    pub(super) fn begin(list: &'static InnerList<T>, first: Option<Connection<'_>>) -> Self {
        let mut entries = Self {
            list,
            read: Vec::new(),
            keys: HashSet::new(),
            total: None,
            fault: None,
            trail: Trail::new(list.of, MOST_PAGES),
            next: Err(list.left_out()),
            weight: 0,
        };
        if let Some(first) = first {
            entries.take(Page::read(list, &first));
        }
        entries
    }

    /// Takes in a page.
    fn take(&mut self, page: Page<T>) {
        self.total = page.total.or(self.total);
        self.fault = page.fault.or(self.fault.take());
        self.weight += page.weight;
        for entry in page.read {
            if self.keys.insert((self.list.key)(&entry).to_owned()) {
                self.read.push(entry);
            }
        }
        self.next = self.trail.next(&page.more);
    }

    /// What was read so far, and why that is not all.
    pub(super) fn into_read(self) -> (Vec<T>, Option<Fault>) {
        match self.next {
            Ok(None) => self.end(),
            Ok(Some(_)) => {
                let fault = self.list.left_out();
                (self.read, Some(fault))
            }
            Err(ref fault) => {
                let fault = fault.clone();
                (self.read, Some(fault))
            }
        }
    }

    fn end(self) -> (Vec<T>, Option<Fault>) {
        let told = self.trail.ends(self.keys.len(), self.total).err();
        (self.read, self.fault.or(told))
    }
}

impl<T> InnerList<T> {
    fn left_out(&self) -> Fault {
        let detail = format!("the platform left out some {}", self.of);
        Fault::new(Reason::PlatformPartial, detail)
    }
}
