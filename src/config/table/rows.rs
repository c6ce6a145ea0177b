//! The two macros that declare a table. They only spell out what a person would write by hand: a struct, its `Default`,
//! and a list of [`Key`](super::Key)s. All that is done with the keys is plain code beside this file.

/// Declares a table: a struct whose fields are the keys, its defaults, and [`keys!`] of it.
///
/// ```text
/// table! {
///     /// What the table is about, in one line.
///     #[derive(Clone, Debug)]
///     pub struct Name {
///         /// What the key means. One sentence in the first line; more may follow.
///         key: Type = default => form(), options;
///         /// A key that is kept in a part.
///         key in part => form();
///     } with {
///         /// A part that is no key itself.
///         part: Type = default,
///     }
///     check function;    // what concerns several keys
/// }
/// ```
///
/// `key as "word"` gives the key another name in the file. Options: `sample = "TOML"`, `live = "TOML"`,
/// `needed = "what to write"`, `needed_by_check`, as the methods of [`Key`](super::Key) of the same names say.
macro_rules! table {
    (
        #[doc = $about:literal]
        $(#[$meta:meta])*
        $vis:vis struct $name:ident {
            $(
                #[doc = $doc:literal]
                $(#[doc = $more:literal])*
                $key:ident $(in $within:ident)? $(as $word:literal)? $(: $type:ty = $default:expr)? => $form:expr
                    $(, $option:ident $(= $value:expr)?)*;
            )*
        }
        $(with {
            $( $(#[$part_meta:meta])* $part:ident: $part_type:ty = $part_default:expr, )*
        })?
        $(check $check:path;)?
    ) => {
        #[doc = $about]
        $(#[$meta])*
        $vis struct $name {
            $($( $(#[$part_meta])* pub $part: $part_type, )*)?
            $($( #[doc = $doc] pub $key: $type, )?)*
        }

        impl Default for $name {
            fn default() -> Self {
                Self {
                    $($( $part: $part_default, )*)?
                    $($( $key: $default, )?)*
                }
            }
        }

        $crate::config::table::keys! {
            #[doc = $about]
            $name {
                $(
                    #[doc = $doc]
                    $(#[doc = $more])*
                    $key $(in $within)? $(as $word)? => $form $(, $option $(= $value)?)*;
                )*
            }
            $(check $check;)?
        }
    };
}

/// Declares the keys of a struct that stands elsewhere.
macro_rules! keys {
    (
        #[doc = $about:literal]
        $name:ident {
            $(
                $(#[doc = $doc:literal])+
                $key:ident $(in $within:ident)? $(as $word:literal)? => $form:expr
                    $(, $option:ident $(= $value:expr)?)*;
            )*
        }
        $(check $check:path;)?
    ) => {
        impl $crate::config::table::Table for $name {
            const NAME: &'static str = stringify!($name);
            const ABOUT: &'static str = $about;

            fn keys() -> Vec<$crate::config::table::Key<Self>> {
                vec![$(
                    $crate::config::table::Key::new(
                        [$($word,)? stringify!($key)][0],
                        &[$($doc),+],
                        $crate::config::table::Place {
                            get: |table: &Self| &table$(.$within)?.$key,
                            get_mut: |table: &mut Self| &mut table$(.$within)?.$key,
                        },
                        $form,
                    )$(.$option($($value)?))*
                ),*]
            }

            fn check(_section: &$crate::config::reader::Section<'_>, _table: &mut Self) {
                $($check(_section, _table);)?
            }
        }
    };
}

pub(crate) use {keys, table};
