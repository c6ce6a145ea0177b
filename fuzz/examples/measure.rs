//! What each saved input takes: its length, the bytes held at one time and asked for in all, once and eight times over.

use roundsman_fuzz::TARGETS;

fn main() -> std::io::Result<()> {
    for target in TARGETS {
        let folder = format!("{}/corpus/{}", env!("CARGO_MANIFEST_DIR"), target.name);
        for file in std::fs::read_dir(folder)? {
            let path = file?.path();
            let input = std::fs::read(&path)?;
            let _ = target.measure(&input);
            let (once, more) = (target.measure(&input), target.measure(&input.repeat(8)));
            println!(
                "{:14} {:8} {:10} {:10} {:10} {:10} {}",
                target.name,
                input.len(),
                once.held,
                once.asked_for,
                more.held,
                more.asked_for,
                path.display()
            );
        }
    }
    Ok(())
}
