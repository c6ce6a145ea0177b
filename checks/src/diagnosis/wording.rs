//! Holds the texts of the catalog against the style guide of CONTRIBUTING, section "Texts for people".

use super::Cause;

/// Longest title, meaning, and line of guidance, in characters.
const TITLE: usize = 70;
const MEANING: usize = 200;
const GUIDANCE: usize = 260;

/// Words that a reader without English as mother tongue stumbles over, and what to write instead.
const FORBIDDEN: &[(&str, &str)] = &[
    ("mend", "fix, repair, correct"),
    ("whom", "who, affected"),
    ("slip", "typo"),
    ("shadow", "override"),
    ("want of", "because … is missing"),
    ("is to be", "should be"),
    ("elsewhere than", "somewhere else than"),
    ("alike", "in the same way"),
    ("an own", "its own, of its own"),
    ("hence", "so"),
    ("thus", "so"),
    ("whilst", "while"),
    ("aught", "anything"),
    ("naught", "nothing"),
];

fn words(text: &str) -> Vec<String> {
    let words = text.split(|c: char| !c.is_alphanumeric() && c != '\'');
    words.filter(|word| !word.is_empty()).map(str::to_lowercase).collect()
}

/// Whether a text holds this word, or these words side by side; as the beginning of a longer word too.
fn holds(text: &str, forbidden: &str) -> bool {
    let (text, forbidden) = (words(text), words(forbidden));
    text.windows(forbidden.len()).any(|window| {
        let Some((last, before)) = window.split_last() else {
            return false;
        };
        let Some((stem, known)) = forbidden.split_last() else {
            return false;
        };
        let inflected = [
            stem.clone(),
            format!("{stem}s"),
            format!("{stem}ed"),
            format!("{stem}ing"),
        ];
        before == known && inflected.contains(last)
    })
}

fn faults(cause: Cause) -> Vec<String> {
    let (row, why) = (cause.row(), cause.guidance());
    let likely = why.likely.unwrap_or("x");
    let texts = [
        ("title", row.title, TITLE),
        ("meaning", row.meaning, MEANING),
        ("confirmed", why.confirmed, GUIDANCE),
        ("likely", likely, GUIDANCE),
        ("remedy", why.remedy, GUIDANCE),
    ];
    let mut faults = Vec::new();
    for (what, text, longest) in texts {
        let length = text.chars().count();
        if length > longest {
            faults.push(format!("{cause}: {what} has {length} characters, at most {longest}"));
        }
        if text.is_empty() || text.trim() != text || text.contains("  ") || text.contains('\n') {
            faults.push(format!("{cause}: {what} is empty, or has stray spaces"));
        }
        for (word, instead) in FORBIDDEN {
            if holds(text, word) {
                faults.push(format!("{cause}: {what} says `{word}`: write {instead}"));
            }
        }
        let sentence = what == "meaning";
        if text.ends_with('.') != sentence {
            faults.push(format!("{cause}: {what} ends wrongly: {text}"));
        }
    }
    let sentences = row.meaning.matches(". ").count() + 1;
    if sentences > 2 {
        faults.push(format!("{cause}: meaning has {sentences} sentences, at most 2"));
    }
    if row
        .title
        .starts_with(|c: char| c.is_ascii_uppercase() && !row.title.starts_with("CAA"))
    {
        faults.push(format!("{cause}: the title begins with a capital"));
    }
    if !row.meaning.starts_with(char::is_uppercase) {
        faults.push(format!("{cause}: the meaning begins without a capital"));
    }
    if words(row.title) == words(row.meaning) {
        faults.push(format!("{cause}: the meaning repeats the title"));
    }
    faults
}

#[test]
fn every_text_of_the_catalog_follows_the_style_guide() {
    let faults = Cause::ALL.iter().flat_map(|cause| faults(*cause)).collect::<Vec<_>>();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn a_forbidden_word_is_found_in_its_forms_and_not_in_others() {
    assert!(holds("what mends it", "mend") && holds("Mended.", "mend") && holds("for want of room", "want of"));
    assert!(!holds("we recommend it", "mend") && !holds("an amendment", "mend") && !holds("he wants it", "want of"));
}

#[test]
fn the_style_guide_names_every_forbidden_word() {
    let guide = include_str!("../../../CONTRIBUTING.md");
    for (word, _) in FORBIDDEN {
        assert!(guide.contains(&format!("`{word}`")), "{word}");
    }
}
