//! Keeps credentials out of what people and logs get to read.
//!
//! Causes of failures come from HTTP clients, TLS stacks and kubeconfigs; any of them may quote what it was given. Every
//! text that becomes part of a [`Failure`](super::Failure) passes through [`redact`].

use std::borrow::Cow;

/// What stands where a credential stood.
pub const REDACTED: &str = "[redacted]";

/// Words after which a value is a credential, in any spelling of case, with `-`, `_` or nothing between the parts.
const SECRET_WORDS: [&str; 14] = [
    "token",
    "password",
    "passwd",
    "secretaccesskey",
    "accesskeyid",
    "accesskey",
    "secretkey",
    "clientkeydata",
    "clientcertificatedata",
    "clientsecret",
    "psktxt",
    "apikey",
    "authorization",
    "credential",
];

/// `text` without what looks like a credential: PEM blocks, `Bearer`/`Basic` values, user information in URLs, JSON web
/// tokens, AWS key ids and signatures, and the values of fields named like a secret.
///
/// Errs on the side of hiding: a harmless word may be hidden too, a credential of the known forms never stays.
pub fn redact(text: &str) -> String {
    let text = hide_pem(text);
    let mut out = String::with_capacity(text.len());
    let mut hide = Hide::Nothing;
    for word in split_keeping_separators(&text) {
        if is_separator(word) {
            out.push_str(word);
            // A field's value follows its name across one `:`/`=` and quotes; any other separator ends the suspicion.
            if hide == Hide::NextIfAssigned && word.contains([':', '=']) {
                hide = Hide::Next;
            } else if hide == Hide::Rest {
                // `name:secret` was one value with a colon in it.
                hide = if word == ":" { Hide::Next } else { Hide::Nothing };
            } else if hide == Hide::NextIfAssigned && !word.trim_matches(['"', '\'', '\\']).trim().is_empty() {
                hide = Hide::Nothing;
            }
            continue;
        }
        let scheme = word.eq_ignore_ascii_case("bearer") || word.eq_ignore_ascii_case("basic");
        if scheme {
            out.push_str(word);
            hide = Hide::Next;
        } else if hide == Hide::Next || looks_like_credential(word) {
            out.push_str(REDACTED);
            hide = Hide::Rest;
        } else {
            out.push_str(&hide_user_info(word));
            hide = if names_a_secret(word) { Hide::NextIfAssigned } else { Hide::Nothing };
        }
    }
    out
}

#[derive(PartialEq, Clone, Copy)]
enum Hide {
    Nothing,
    NextIfAssigned,
    Next,
    Rest,
}

fn is_separator(word: &str) -> bool {
    word.chars().all(is_separating)
}

/// `@`, `/`, `+`, `.`, `-`, `_` and `%` occur inside credentials and URLs and do not separate.
fn is_separating(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '"' | '\'' | '\\' | '=' | ',' | ';' | '{' | '}' | '[' | ']' | '(' | ')' | '&' | '?' | '<' | '>')
        || c == ':'
}

fn split_keeping_separators(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let mut start = 0;
    let mut last: Option<bool> = None;
    for (at, c) in text.char_indices() {
        // "://" and the ":" of "user:password@host" belong to the word: a URL is looked at as a whole.
        let separating = is_separating(c) && !(c == ':' && colon_inside_url(text, at));
        if last.is_some_and(|l| l != separating) {
            words.push(&text[start..at]);
            start = at;
        }
        last = Some(separating);
    }
    words.push(&text[start..]);
    words.retain(|w| !w.is_empty());
    words
}

fn colon_inside_url(text: &str, at: usize) -> bool {
    let (before, after) = (&text[..at], &text[at + 1..]);
    if after.starts_with("//") {
        return true;
    }
    let word_start = before.rfind(|c: char| c.is_whitespace() || c == '"' || c == '\'').map_or(0, |i| i + 1);
    before[word_start..].contains("://") && after.chars().next().is_some_and(|c| !c.is_whitespace())
}

/// `https://user:password@host/` becomes `https://[redacted]@host/`.
fn hide_user_info(word: &str) -> Cow<'_, str> {
    let Some(scheme_end) = word.find("://").map(|i| i + 3) else { return Cow::Borrowed(word) };
    let authority_end = word[scheme_end..].find('/').map_or(word.len(), |i| scheme_end + i);
    match word[scheme_end..authority_end].rfind('@') {
        Some(at) => Cow::Owned(format!("{}{REDACTED}{}", &word[..scheme_end], &word[scheme_end + at..])),
        None => Cow::Borrowed(word),
    }
}

fn names_a_secret(word: &str) -> bool {
    let plain: String = word.chars().filter(char::is_ascii_alphanumeric).map(|c| c.to_ascii_lowercase()).collect();
    SECRET_WORDS.iter().any(|secret| plain.ends_with(secret))
}

fn looks_like_credential(word: &str) -> bool {
    let jwt = word.starts_with("eyJ") && word.matches('.').count() >= 2;
    let aws_key = (word.starts_with("AKIA") || word.starts_with("ASIA"))
        && word.len() >= 16
        && word.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    // Tokens of `client-go`'s bootstrap form, and long runs of base64 that carry keys or certificates.
    let long_base64 =
        word.len() >= 80 && word.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '_' | '-' | '.'));
    jwt || aws_key || long_base64
}

fn hide_pem(text: &str) -> Cow<'_, str> {
    const BEGIN: &str = "-----BEGIN ";
    if !text.contains(BEGIN) {
        return Cow::Borrowed(text);
    }
    let mut out = String::new();
    let mut rest = text;
    while let Some(begin) = rest.find(BEGIN) {
        out.push_str(&rest[..begin]);
        out.push_str(REDACTED);
        // Without an end marker the block was cut: everything after its start is hidden.
        rest = match rest[begin..].find("-----END ").and_then(|end| {
            let after = begin + end + "-----END ".len();
            rest[after..].find("-----").map(|dashes| after + dashes + "-----".len())
        }) {
            Some(end) => &rest[end..],
            None => "",
        };
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each text quotes a credential in a form that some client, proxy or configuration really prints.
    #[test]
    fn credentials_of_every_known_form_are_hidden() {
        let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJyYW1lbiJ9.c2lnbmF0dXJl";
        let cases = [
            (format!("request failed: Authorization: Bearer {jwt}"), jwt),
            (format!("invalid token {jwt} for user"), jwt),
            ("error trying to connect to https://admin:hunter2@api.dr1:6443/api".to_owned(), "hunter2"),
            (r#"cannot parse {"token":"s3cr3t-value","x":1}"#.to_owned(), "s3cr3t-value"),
            (r#"cannot parse "{\"password\": \"s3cr3t-value\"}""#.to_owned(), "s3cr3t-value"),
            ("AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY".to_owned(), "wJalrXUtnFEMI"),
            ("signature of AKIAIOSFODNN7EXAMPLE does not match".to_owned(), "AKIAIOSFODNN7EXAMPLE"),
            ("client-key-data: LS0tLS1CRUdJTiBQUklWQVRF".to_owned(), "LS0tLS1CRUdJTiBQUklWQVRF"),
            (
                "key -----BEGIN RSA PRIVATE KEY-----\nMIIabc\n-----END RSA PRIVATE KEY-----\nrefused".to_owned(),
                "MIIabc",
            ),
            ("truncated -----BEGIN PRIVATE KEY-----\nMIIabc".to_owned(), "MIIabc"),
            ("basic dXNlcjpwYXNz rejected".to_owned(), "dXNlcjpwYXNz"),
            ("psk.txt: volsyncramen:0011223344".to_owned(), "0011223344"),
        ];
        for (text, secret) in cases {
            let shown = redact(&text);
            assert!(!shown.contains(secret), "{secret:?} is still in {shown:?}");
            assert!(shown.contains(REDACTED), "nothing hidden in {shown:?}");
        }
    }

    #[test]
    fn what_a_person_needs_to_act_stays_readable() {
        for text in [
            r#"volumereplicationgroups.ramendr.openshift.io "app" not found"#,
            "error trying to connect: tcp connect error: 127.0.0.1:6443: Connection refused (os error 111)",
            "https://api.dr1.example:6443/apis/ramendr.openshift.io/v1alpha1: 503",
            "the token has expired",
            "",
        ] {
            assert_eq!(redact(text), text);
        }
    }
}
