//! Bodies of entries: one JSON document and a newline, compressed by gzip, the epoch in the header's comment.

use std::io::{Read, Write};

use flate2::{Compression, GzBuilder, read::GzDecoder};
use ramen_core::protection::cluster_data::Epoch;
use serde_json::Value;

/// Precedes the epoch in the header's comment.
const COMMENT: &str = "ramen-epoch: ";

/// No object of the Kubernetes API is larger than a few megabytes; a body that grows beyond this is not one of them.
const MAX_DECODED: u64 = 64 << 20;

/// Why a body cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum DecodeError {
    /// There is nothing in it.
    #[error("the body is empty")]
    Empty,
    /// It is not gzip, or was cut.
    #[error("the body is not a whole gzip stream: {0}")]
    Gzip(#[from] std::io::Error),
    /// It is larger than any Kubernetes object.
    #[error("the body is larger than {MAX_DECODED} bytes once decoded")]
    TooLarge,
    /// What was compressed is not JSON.
    #[error("the decoded body is not JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// It is JSON of another kind.
    #[error("the decoded body is not a JSON object")]
    NotAnObject,
}

/// The body of an entry. The same object and epoch give the same bytes.
///
/// # Errors
/// Only if memory cannot be written to.
pub fn encode(object: &Value, epoch: Epoch) -> std::io::Result<Vec<u8>> {
    let mut builder = GzBuilder::new().mtime(0);
    if epoch != Epoch::NONE {
        builder = builder.comment(format!("{COMMENT}{}", epoch.0));
    }
    let mut encoder = builder.write(Vec::new(), Compression::default());
    serde_json::to_writer(&mut encoder, object)?;
    encoder.write_all(b"\n")?;
    encoder.finish()
}

/// The object and its epoch; [`Epoch::NONE`] if the writer recorded none.
///
/// # Errors
/// See [`DecodeError`].
pub fn decode(body: &[u8]) -> Result<(Value, Epoch), DecodeError> {
    if body.is_empty() {
        return Err(DecodeError::Empty);
    }
    let mut decoder = GzDecoder::new(body);
    let mut text = Vec::new();
    decoder.by_ref().take(MAX_DECODED + 1).read_to_end(&mut text)?;
    if text.len() as u64 > MAX_DECODED {
        return Err(DecodeError::TooLarge);
    }
    let object: Value = serde_json::from_slice(&text)?;
    if !object.is_object() {
        return Err(DecodeError::NotAnObject);
    }
    let epoch = decoder
        .header()
        .and_then(|h| h.comment())
        .and_then(|comment| std::str::from_utf8(comment).ok()?.strip_prefix(COMMENT)?.parse().ok());
    Ok((object, epoch.map_or(Epoch::NONE, Epoch)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn an_entry_comes_back_as_it_was_with_its_epoch() {
        let object = json!({"metadata": {"name": "pv", "unknown": [1, null, "ü"]}});
        for epoch in [Epoch::NONE, Epoch(1), Epoch(u64::MAX)] {
            assert_eq!(decode(&encode(&object, epoch).unwrap()).unwrap(), (object.clone(), epoch));
        }
    }

    /// Ramen encodes with Go's `json.Encoder` into a `gzip.Writer`: a document, a newline, no comment.
    #[test]
    fn what_ramen_wrote_is_read_and_is_of_no_epoch() {
        let mut encoder = GzBuilder::new().write(Vec::new(), Compression::best());
        encoder.write_all(b"{\"metadata\":{\"name\":\"pv\"}}\n").unwrap();
        assert_eq!(decode(&encoder.finish().unwrap()).unwrap(), (json!({"metadata": {"name": "pv"}}), Epoch::NONE));
    }

    /// `gunzip` and Go's reader skip the comment: the decoded text is what Ramen would have written.
    #[test]
    fn what_we_write_decodes_to_one_document_and_a_newline() {
        let body = encode(&json!({"a": 1}), Epoch(7)).unwrap();
        let mut text = String::new();
        GzDecoder::new(&body[..]).read_to_string(&mut text).unwrap();
        assert_eq!(text, "{\"a\":1}\n");
    }

    #[test]
    fn the_same_entry_has_the_same_bytes_so_that_an_equal_upload_can_be_recognised() {
        let object = json!({"b": 1, "a": 2});
        assert_eq!(encode(&object, Epoch(3)).unwrap(), encode(&object, Epoch(3)).unwrap());
    }

    #[test]
    fn a_body_that_is_no_object_is_refused_with_the_reason() {
        let gzip = |text: &[u8]| {
            let mut encoder = GzBuilder::new().write(Vec::new(), Compression::default());
            encoder.write_all(text).unwrap();
            encoder.finish().unwrap()
        };
        let whole = gzip(b"{\"a\":1}");
        let cases: [(&[u8], &str); 5] = [
            (b"", "empty"),
            (b"{\"a\":1}", "not a whole gzip stream"),
            (&whole[..whole.len() / 2], "not a whole gzip stream"),
            (&gzip(b"{\"a\":"), "not JSON"),
            (&gzip(b"[1]"), "not a JSON object"),
        ];
        for (body, expected) in cases {
            let error = decode(body).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
