//! Label and field selectors as list, watch and deletecollection take them.

use std::collections::BTreeMap;

use super::meta;
use super::status::Failure;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Requirement {
    Exists(String),
    Missing(String),
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Greater(String, i64),
    Less(String, i64),
}

/// A parsed label selector: all requirements must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct LabelSelector(Vec<Requirement>);

impl LabelSelector {
    pub(crate) fn parse(text: &str) -> Result<Self, Failure> {
        let mut parser = Parser { tokens: tokens(text), at: 0 };
        parser
            .selector()
            .map(Self)
            .map_err(|problem| Failure::bad_request(format!("unable to parse requirement: {problem}")))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn matches(&self, labels: &BTreeMap<String, String>) -> bool {
        self.0.iter().all(|requirement| match requirement {
            Requirement::Exists(key) => labels.contains_key(key),
            Requirement::Missing(key) => !labels.contains_key(key),
            Requirement::In(key, values) => labels.get(key).is_some_and(|value| values.contains(value)),
            Requirement::NotIn(key, values) => labels.get(key).is_none_or(|value| !values.contains(value)),
            Requirement::Greater(key, bound) => number(labels, key).is_some_and(|value| value > *bound),
            Requirement::Less(key, bound) => number(labels, key).is_some_and(|value| value < *bound),
        })
    }
}

fn number(labels: &BTreeMap<String, String>, key: &str) -> Option<i64> {
    labels.get(key)?.parse().ok()
}

fn tokens(text: &str) -> Vec<String> {
    let mut tokens: Vec<String> = Vec::new();
    let mut word = String::new();
    let mut chars = text.chars().peekable();
    while let Some(next) = chars.next() {
        if !" \t\r\n,()=!<>".contains(next) {
            word.push(next);
            continue;
        }
        if !word.is_empty() {
            tokens.push(std::mem::take(&mut word));
        }
        match next {
            '=' | '!' if chars.peek() == Some(&'=') => {
                chars.next();
                tokens.push(format!("{next}="));
            }
            ',' | '(' | ')' | '=' | '!' | '<' | '>' => tokens.push(next.to_string()),
            _ => {}
        }
    }
    if !word.is_empty() {
        tokens.push(word);
    }
    tokens
}

struct Parser {
    tokens: Vec<String>,
    at: usize,
}

impl Parser {
    fn peek(&self) -> &str {
        self.tokens.get(self.at).map_or("", String::as_str)
    }

    fn next(&mut self) -> String {
        self.at += 1;
        self.tokens.get(self.at - 1).cloned().unwrap_or_default()
    }

    fn selector(&mut self) -> Result<Vec<Requirement>, String> {
        let mut requirements = Vec::new();
        while !self.peek().is_empty() {
            requirements.push(self.requirement()?);
            match self.next().as_str() {
                "," if self.peek().is_empty() => return Err("found '', expected: identifier after ','".into()),
                "," | "" => {}
                other => return Err(format!("found '{other}', expected: ',' or 'end of string'")),
            }
        }
        Ok(requirements)
    }

    fn requirement(&mut self) -> Result<Requirement, String> {
        if self.peek() == "!" {
            self.next();
            return Ok(Requirement::Missing(self.key()?));
        }
        let key = self.key()?;
        if matches!(self.peek(), "" | ",") {
            return Ok(Requirement::Exists(key));
        }
        match self.next().as_str() {
            "=" | "==" => Ok(Requirement::In(key, vec![self.value()?])),
            "!=" => Ok(Requirement::NotIn(key, vec![self.value()?])),
            "in" => Ok(Requirement::In(key, self.values()?)),
            "notin" => Ok(Requirement::NotIn(key, self.values()?)),
            ">" => Ok(Requirement::Greater(key, self.bound()?)),
            "<" => Ok(Requirement::Less(key, self.bound()?)),
            other => Err(format!("found '{other}', expected: in, notin, =, ==, !=, gt, lt")),
        }
    }

    fn key(&mut self) -> Result<String, String> {
        let key = self.next();
        if key.len() <= 2 && "()=!<>,==!=".contains(key.as_str()) {
            return Err(format!("found '{key}', expected: identifier"));
        }
        if meta::is_qualified_name(&key) { Ok(key) } else { Err(format!("invalid label key {key:?}")) }
    }

    fn value(&mut self) -> Result<String, String> {
        // `a=` and `a=,b` mean the empty value.
        if matches!(self.peek(), "" | ",") {
            return Ok(String::new());
        }
        let value = self.next();
        if matches!(value.as_str(), "=" | "==" | "!=" | "(" | ")" | "!" | "<" | ">") {
            return Err(format!("found '{value}', expected: identifier"));
        }
        if meta::is_label_value(&value) { Ok(value) } else { Err(format!("invalid label value: {value:?}")) }
    }

    fn values(&mut self) -> Result<Vec<String>, String> {
        let open = self.next();
        if open != "(" {
            return Err(format!("found '{open}' expected: '('"));
        }
        let mut values = Vec::new();
        loop {
            match self.peek() {
                ")" => {
                    self.next();
                    values.push(String::new());
                    return Ok(values);
                }
                "," => values.push(String::new()),
                "" => return Err("found '', expected: ',' or ')'".into()),
                _ => values.push(self.value()?),
            }
            match self.next().as_str() {
                ")" => return Ok(values),
                "," => {}
                other => return Err(format!("found '{other}', expected: ',' or ')'")),
            }
        }
    }

    fn bound(&mut self) -> Result<i64, String> {
        let text = self.value()?;
        text.parse().map_err(|_| format!("for 'Gt', 'Lt' operators, the value must be an integer: {text:?}"))
    }
}

/// A parsed field selector: each field equals, or does not equal, a value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct FieldSelector(Vec<(String, String, bool)>);

impl FieldSelector {
    /// Parses a selector over fields out of `known`.
    pub(crate) fn parse(text: &str, known: &[String]) -> Result<Self, Failure> {
        let mut terms = Vec::new();
        for term in text.split(',').filter(|term| !term.is_empty()) {
            let (field, value, equal) = if let Some((field, value)) = term.split_once("!=") {
                (field, value, false)
            } else if let Some((field, value)) = term.split_once("==") {
                (field, value, true)
            } else if let Some((field, value)) = term.split_once('=') {
                (field, value, true)
            } else {
                return Err(Failure::bad_request(format!("invalid selector: '{text}'; can't understand '{term}'")));
            };
            if !known.iter().any(|known| known == field) {
                let list = known.iter().map(|known| format!("{known:?}")).collect::<Vec<_>>().join(", ");
                let message = format!("{field:?} is not a known field selector: only {list}");
                return Err(Failure::bad_request(message));
            }
            terms.push((field.to_string(), value.to_string(), equal));
        }
        Ok(Self(terms))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the selector asks for one object by its name.
    pub(crate) fn names_one(&self) -> bool {
        self.0.iter().any(|(field, _, equal)| field == "metadata.name" && *equal)
    }

    /// Whether deciding takes more of the object than its key.
    pub(crate) fn needs_object(&self) -> bool {
        self.0.iter().any(|(field, _, _)| !field.starts_with("metadata."))
    }

    pub(crate) fn matches(&self, value_of: impl Fn(&str) -> String) -> bool {
        self.0.iter().all(|(field, value, equal)| (value_of(field) == *value) == *equal)
    }
}

#[cfg(test)]
mod tests;
