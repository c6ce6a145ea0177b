//! Which release a tenant is expected to run: references of container images, read and compared. Pure; knows no
//! platform.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// What stands for the tenant's app in an expected reference.
const APP: &str = "{app}";

/// The image that every machine of a tenant's app must run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ExpectedImage {
    /// A whole reference, `{app}` in it stands for the app's name.
    Reference(String),
    /// The tag, whatever the repository.
    Tag(String),
    /// The digest of the manifest, `sha256:` and 64 hexadecimal digits, whatever the repository.
    Digest(String),
}

/// Why a text is no expected image.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ImageError {
    /// Nothing in it tells releases apart.
    #[error("`{0}` names neither a tag nor a digest, so every release would match: add one, as in `{0}:v43`")]
    Loose(String),
    /// No reference at all.
    #[error(
        "`{0}` is no image: expected a reference such as `registry.fly.io/{{app}}:v43`, a tag `:v43`, or `sha256:` and 64 hexadecimal digits"
    )]
    Form(String),
}

impl FromStr for ExpectedImage {
    type Err = ImageError;
    fn from_str(text: &str) -> Result<Self, ImageError> {
        let wrong = || ImageError::Form(text.to_owned());
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(wrong());
        }
        if let Some(tag) = text.strip_prefix(':') {
            return if is_tag(tag) {
                Ok(Self::Tag(tag.into()))
            } else {
                Err(wrong())
            };
        }
        if is_digest(text) {
            return Ok(Self::Digest(text.to_ascii_lowercase()));
        }
        let parts = Parts::of(text);
        let fits = is_repository(parts.repository)
            && !text.starts_with("sha256:")
            && parts.tag.is_none_or(is_tag)
            && parts.digest.is_none_or(is_digest);
        match (fits, parts.tag, parts.digest) {
            (false, ..) => Err(wrong()),
            (true, None, None) => Err(ImageError::Loose(text.to_owned())),
            _ => Ok(Self::Reference(text.to_owned())),
        }
    }
}

impl TryFrom<String> for ExpectedImage {
    type Error = ImageError;
    fn try_from(text: String) -> Result<Self, ImageError> {
        text.parse()
    }
}

impl From<ExpectedImage> for String {
    fn from(image: ExpectedImage) -> Self {
        image.to_string()
    }
}

/// As it was written.
impl fmt::Display for ExpectedImage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Reference(text) | Self::Digest(text) => f.write_str(text),
            Self::Tag(tag) => write!(f, ":{tag}"),
        }
    }
}

impl ExpectedImage {
    /// Whether `image`, with the digest that the platform tells of it besides, is the one expected of `app`; `None`
    /// where what is known of it does not decide that.
    #[must_use]
    pub fn is(&self, app: &str, image: &str, digest: Option<&str>) -> Option<bool> {
        let parts = Parts::of(image);
        let told = parts.digest.or(digest);
        let same_digest = |wanted: &str| told.map(|told| told.eq_ignore_ascii_case(wanted));
        let same_tag = |wanted: &str| match parts.tag {
            None if parts.digest.is_some() => None,
            tag => Some(tag.unwrap_or(DEFAULT_TAG) == wanted),
        };
        match self {
            Self::Tag(wanted) => same_tag(wanted),
            Self::Digest(wanted) => same_digest(wanted),
            Self::Reference(text) => {
                let text = text.replace(APP, app);
                let wanted = Parts::of(&text);
                if wanted.repository != parts.repository {
                    return Some(false);
                }
                match wanted.digest {
                    Some(digest) => same_digest(digest),
                    None => same_tag(wanted.tag.unwrap_or(DEFAULT_TAG)),
                }
            }
        }
    }

    /// Whether only a digest decides.
    #[must_use]
    pub fn needs_digest(&self) -> bool {
        match self {
            Self::Tag(_) => false,
            Self::Digest(_) => true,
            Self::Reference(text) => Parts::of(text).digest.is_some(),
        }
    }

    /// The release in a word, as [`short`] gives it.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Tag(tag) => tag.clone(),
            Self::Reference(text) | Self::Digest(text) => short(text),
        }
    }
}

/// The release that an image is, in a word: its tag, else the beginning of its digest, else all of it.
#[must_use]
pub fn short(image: &str) -> String {
    let parts = Parts::of(image);
    let digest = if is_digest(image) { Some(image) } else { parts.digest };
    match (parts.tag, digest) {
        (_, Some(digest)) if parts.tag.is_none() || is_digest(image) => digest.chars().take(19).collect(),
        (Some(tag), _) => tag.to_owned(),
        _ => image.to_owned(),
    }
}

/// The tag of a reference that names none (distribution reference grammar).
const DEFAULT_TAG: &str = "latest";

/// `repository[:tag][@digest]`.
struct Parts<'a> {
    repository: &'a str,
    tag: Option<&'a str>,
    digest: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn of(reference: &'a str) -> Self {
        let (name, digest) = match reference.split_once('@') {
            Some((name, digest)) => (name, Some(digest)),
            None => (reference, None),
        };
        // A colon before the last slash belongs to the registry's port.
        let (repository, tag) = match name.rsplit_once(':') {
            Some((repository, tag)) if !tag.contains('/') => (repository, Some(tag)),
            _ => (name, None),
        };
        Self {
            repository: repository.strip_prefix("docker.io/").unwrap_or(repository),
            tag,
            digest,
        }
    }
}

/// A name, perhaps behind a registry with its port; `{app}` may stand in it.
fn is_repository(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | ':');
    let name = text.replace(APP, "app");
    !name.is_empty() && !name.ends_with(['/', ':']) && name.chars().all(fits)
}

fn is_tag(text: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    !text.is_empty() && text.len() <= 128 && text.chars().all(fits)
}

fn is_digest(text: &str) -> bool {
    let hex = text.strip_prefix("sha256:");
    hex.is_some_and(|hex| hex.len() == 64 && hex.chars().all(|c| c.is_ascii_hexdigit()))
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    const V43: &str = "registry.fly.io/sp-abc:v43";
    fn digest() -> String {
        format!("sha256:{}", "ab".repeat(32))
    }

    fn is(expected: &str, image: &str, told: Option<&str>) -> Option<bool> {
        expected.parse::<ExpectedImage>().unwrap().is("sp-abc", image, told)
    }

    #[test]
    fn a_reference_stands_for_each_app_its_own() {
        assert_eq!(is("registry.fly.io/{app}:v43", V43, None), Some(true));
        assert_eq!(is("registry.fly.io/{app}:v44", V43, None), Some(false));
        assert_eq!(is("registry.fly.io/sp-other:v43", V43, None), Some(false));
        assert_eq!(is("localhost:5000/x:v1", "localhost:5000/x:v1", None), Some(true));
    }

    #[test]
    fn a_tag_alone_says_nothing_of_the_repository() {
        assert_eq!(is(":v43", V43, None), Some(true));
        assert_eq!(is(":v4", V43, None), Some(false));
        assert_eq!(is(":latest", "registry.fly.io/sp-abc", None), Some(true));
    }

    #[test]
    fn what_is_not_told_is_not_known() {
        assert_eq!(is(&digest(), V43, None), None);
        assert_eq!(is(&digest(), V43, Some(&digest())), Some(true));
        assert_eq!(is(&digest(), &format!("{V43}@{}", digest()), None), Some(true));
        assert_eq!(is(":v43", &format!("registry.fly.io/sp-abc@{}", digest()), None), None);
    }

    #[test]
    fn what_every_release_matches_is_refused() {
        for text in ["registry.fly.io/{app}", "localhost:5000/x"] {
            assert_eq!(
                text.parse::<ExpectedImage>(),
                Err(ImageError::Loose(text.to_owned())),
                "{text}"
            );
        }
        for text in ["", ":", ": v43", "sha256:abc", "a:b:c/", "x@sha256:12"] {
            assert!(
                matches!(text.parse::<ExpectedImage>(), Err(ImageError::Form(_))),
                "{text}"
            );
        }
    }

    #[test]
    fn a_release_is_told_in_a_word() {
        assert_eq!(short(V43), "v43");
        assert_eq!(short(&digest()), "sha256:abababababab");
        assert_eq!(
            short(&format!("registry.fly.io/sp-abc@{}", digest())),
            "sha256:abababababab"
        );
    }
}
