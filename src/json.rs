//! JSON for people and programs: laid out, and safe to look at on a terminal.

use std::io::{self, Write};

use serde::Serialize;
use serde_json::Serializer;
use serde_json::ser::{Formatter, PrettyFormatter};

/// Writes a value as laid-out JSON.
///
/// JSON leaves U+007F to U+009F as they are, which a terminal may take for commands; here they are escaped.
///
/// # Errors
/// What writing fails with.
pub(crate) fn write(out: &mut dyn Write, value: &impl Serialize) -> io::Result<()> {
    let mut serializer = Serializer::with_formatter(out, Shown::default());
    value.serialize(&mut serializer)?;
    Ok(())
}

/// The same as a text that ends with a line break.
///
/// # Errors
/// What writing fails with: a value that JSON has no form for.
pub(crate) fn text(value: &impl Serialize) -> io::Result<String> {
    let mut bytes = Vec::new();
    write(&mut bytes, value)?;
    bytes.push(b'\n');
    String::from_utf8(bytes).map_err(io::Error::other)
}

#[derive(Default)]
struct Shown(PrettyFormatter<'static>);

impl Formatter for Shown {
    fn write_string_fragment<W: ?Sized + Write>(&mut self, writer: &mut W, fragment: &str) -> io::Result<()> {
        let mut rest = fragment;
        while let Some((at, c)) = rest.char_indices().find(|(_, c)| matches!(c, '\u{7f}'..='\u{9f}')) {
            writer.write_all(&rest.as_bytes()[..at])?;
            write!(writer, "\\u{:04x}", u32::from(c))?;
            rest = &rest[at + c.len_utf8()..];
        }
        writer.write_all(rest.as_bytes())
    }

    fn begin_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_array(writer)
    }

    fn end_array<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array(writer)
    }

    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_array_value(writer, first)
    }

    fn end_array_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_array_value(writer)
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object(writer)
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object(writer)
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        self.0.begin_object_key(writer, first)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.begin_object_value(writer)
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.0.end_object_value(writer)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn only_what_a_terminal_obeys_is_written_otherwise() -> Result<(), Box<dyn std::error::Error>> {
        let value = json!({"a": [1, {}, []], "csi \u{9b}31m": "del \u{7f}, é\u{9f}ü\u{a0}\n"});
        let text = super::text(&value)?;
        assert!(!text.chars().any(|c| matches!(c, '\u{7f}'..='\u{9f}')), "{text}");
        assert_eq!(serde_json::from_str::<Value>(&text)?, value);
        let plain = json!({"a": [1, {}, []], "b": {"c": null}});
        assert_eq!(super::text(&plain)?, serde_json::to_string_pretty(&plain)? + "\n");
        Ok(())
    }
}
