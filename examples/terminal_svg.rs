//! Draws what a terminal shows as an SVG: text with ANSI colours comes in, a picture goes out.
//!
//! `docs/terminal/record.sh` feeds it with a real run over the lab.

use std::io::{self, Read as _, Write as _};

/// The longest text that is drawn, in bytes: a screen or two.
const LONGEST: u64 = 256 * 1024;

fn main() -> io::Result<()> {
    let mut text = String::new();
    io::stdin().take(LONGEST).read_to_string(&mut text)?;
    // A pseudo-terminal ends its lines with both.
    let text = text.replace("\r\n", "\n");
    let picture = anstyle_svg::Term::new().render_svg(&text);
    io::stdout().write_all(picture.as_bytes())
}
