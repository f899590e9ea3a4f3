//! Parameters of a call, from query, form, multipart or JSON (facts §2.1).

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::Request;
use axum::http::header;
use base64::Engine as _;
use serde_json::Value;

use super::Cloud;
use super::body::{Incoming, busy};
use super::limits::{Limits, Share};
use super::multipart::{Head, Malformed, Piece, Splitter};
use super::reply::{Reply, bad, missing};

/// Parameters of one call, items of lists included.
const MOST_PARAMS: usize = 5000;
/// Values in one JSON body, and how deep they may be nested.
const MOST_VALUES: usize = 20_000;
const DEEPEST: usize = 64;

/// One parameter.
#[derive(Debug, Clone, PartialEq)]
pub enum Param {
    Text(String),
    List(Vec<String>),
    /// Objects, and arrays of them.
    Json(Value),
    File {
        name: Option<String>,
        bytes: Bytes,
    },
}

/// All parameters of a call, in the order they came; of one name the last counts.
#[derive(Debug, Clone, Default)]
pub struct Params(Vec<(String, Param)>);

impl Params {
    /// Reads query and body of a request; `with_file` tells whether a file may be among them. The memory that the
    /// body takes counts as in flight until the share is dropped.
    ///
    /// # Errors
    /// What came is too much, or not what its content type says. The rest of the body has been passed over then.
    pub async fn of(
        request: Request,
        cloud: &Cloud,
        with_file: bool,
    ) -> Result<(Self, Share), Reply> {
        let (mut params, mut share) = (Self::default(), cloud.in_flight.share());
        let query = request.uri().query().unwrap_or_default().to_owned();
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let mut body = Incoming::new(request.into_body(), &cloud.limits);
        let read = match params.read_form(&query) {
            Ok(()) => {
                params.read_body(&kind, &mut body, &cloud.limits, with_file, &mut share).await
            }
            Err(refused) => Err(refused),
        };
        match read {
            Ok(()) => Ok((params, share)),
            Err(refused) => {
                drop(share);
                body.drain().await;
                Err(refused)
            }
        }
    }

    /// The fields of a JSON object.
    pub fn from_json(body: &[u8]) -> Result<Self, Reply> {
        let mut params = Self::default();
        params.read_json(body)?;
        Ok(params)
    }

    /// Gives a parameter a text, whatever it was.
    pub fn set_text(&mut self, name: &str, text: &str) {
        self.0.push((name.to_owned(), Param::Text(text.to_owned())));
    }

    /// Every parameter, in the order they came.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Param)> {
        self.0.iter().map(|(name, param)| (name.as_str(), param))
    }

    #[cfg(test)]
    pub fn from_query(text: &str) -> Self {
        let mut params = Self::default();
        params.read_form(text).unwrap();
        params
    }

    async fn read_body(
        &mut self,
        content_type: &str,
        body: &mut Incoming<'_>,
        limits: &Limits,
        with_file: bool,
        share: &mut Share,
    ) -> Result<(), Reply> {
        let kind = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind == "multipart/form-data" {
            return self.read_multipart(content_type, body, limits, share).await;
        }
        let most = if with_file { limits.whole_body() } else { limits.plain_body };
        let body = body.whole(most, share).await?;
        if kind == "application/json" || kind.ends_with("+json") {
            return self.read_json(&body);
        }
        if kind == "application/x-www-form-urlencoded" {
            let text =
                std::str::from_utf8(&body).map_err(|_| bad("Invalid UTF-8 in request body"))?;
            return self.read_form(text);
        }
        if body.is_empty() {
            return Ok(());
        }
        Err(bad(format!("Unsupported content type {kind}")))
    }

    fn read_form(&mut self, text: &str) -> Result<(), Reply> {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.add(form_text(name)?, form_text(value)?)?;
        }
        Ok(())
    }

    fn read_json(&mut self, body: &[u8]) -> Result<(), Reply> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        if !is_modest(body) {
            return Err(bad("Too many values in request body, or too deeply nested"));
        }
        let fields = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(Value::Null) => return Ok(()),
            _ => return Err(bad("Invalid JSON in request body")),
        };
        for (name, value) in fields {
            match value {
                Value::Null => {}
                Value::String(text) => self.add(name, text)?,
                Value::Bool(_) | Value::Number(_) => self.add(name, value.to_string())?,
                Value::Object(_) => self.push(name, Param::Json(value))?,
                Value::Array(items) => {
                    let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
                    let param = texts.map_or_else(|| Param::Json(Value::Array(items)), Param::List);
                    self.push(name, param)?;
                }
            }
        }
        Ok(())
    }

    async fn read_multipart(
        &mut self,
        content_type: &str,
        body: &mut Incoming<'_>,
        limits: &Limits,
        share: &mut Share,
    ) -> Result<(), Reply> {
        let refuse = |why: Malformed| bad(format!("Invalid multipart body: {why}"));
        let mut splitter = Splitter::new(content_type).map_err(refuse)?;
        let mut part: Option<Part> = None;
        while let Some(bytes) = body.next().await? {
            for piece in splitter.feed(&bytes).map_err(refuse)? {
                match (piece, &mut part) {
                    (Piece::Head(head), _) => {
                        let next = Part { head, ..Part::default() };
                        if let Some(done) = part.replace(next) {
                            self.add_part(done, limits)?;
                        }
                    }
                    (Piece::Data(data), Some(part)) => part.take(&data, limits, share)?,
                    (Piece::Data(_), None) => {}
                }
            }
        }
        splitter.end().map_err(refuse)?;
        part.map_or(Ok(()), |last| self.add_part(last, limits))
    }

    fn add_part(&mut self, part: Part, limits: &Limits) -> Result<(), Reply> {
        let Part { head, bytes, length } = part;
        if length > limits.file {
            return Err(too_large(length, limits));
        }
        if head.name.is_empty() {
            return Ok(());
        }
        if head.name == "file" && head.file_name.is_some() {
            return self.push(head.name, Param::File { name: head.file_name, bytes: bytes.into() });
        }
        match String::from_utf8(bytes) {
            Ok(text) => self.add(head.name, text),
            Err(error) if head.name == "file" => {
                self.push(head.name, Param::File { name: None, bytes: error.into_bytes().into() })
            }
            Err(_) => Err(bad(format!("Invalid UTF-8 in parameter {}", head.name))),
        }
    }

    /// Adds a text; `name[]` and `name[0]` collect.
    fn add(&mut self, name: String, value: String) -> Result<(), Reply> {
        let base = name.split_once('[').filter(|(_, rest)| {
            rest.strip_suffix(']').is_some_and(|at| at.bytes().all(|byte| byte.is_ascii_digit()))
        });
        let Some((base, _)) = base else { return self.push(name, Param::Text(value)) };
        let known = self.0.iter_mut().rev().find_map(|(name, param)| match param {
            Param::List(items) if name == base => Some(items),
            _ => None,
        });
        match known {
            Some(items) if items.len() >= MOST_PARAMS => Err(too_many()),
            Some(items) => {
                items.push(value);
                Ok(())
            }
            None => self.push(base.to_owned(), Param::List(vec![value])),
        }
    }

    fn push(&mut self, name: String, param: Param) -> Result<(), Reply> {
        if self.0.len() >= MOST_PARAMS {
            return Err(too_many());
        }
        self.0.push((name, param));
        Ok(())
    }

    /// Puts a file in the place of whatever was given as `file`.
    pub fn set_file(&mut self, name: Option<String>, bytes: Bytes) {
        self.0.retain(|(own, _)| own != "file");
        self.0.push(("file".to_owned(), Param::File { name, bytes }));
    }

    /// Every parameter with what it is signed as: lists with commas, nothing empty, no file.
    pub fn signed_texts(&self) -> BTreeMap<&str, String> {
        let mut texts = BTreeMap::new();
        for (name, param) in &self.0 {
            let text = match param {
                Param::Text(text) => text.clone(),
                Param::List(items) => items.join(","),
                Param::Json(value) => value.to_string(),
                Param::File { .. } => continue,
            };
            if !text.is_empty() {
                texts.insert(name.as_str(), text);
            }
        }
        texts
    }

    /// The same without the parameters of these names.
    pub fn without(&self, names: &[&str]) -> Self {
        let kept = self.0.iter().filter(|(name, _)| !names.contains(&name.as_str()));
        Self(kept.cloned().collect())
    }

    pub fn get(&self, name: &str) -> Option<&Param> {
        self.0.iter().rev().find(|(own, _)| own == name).map(|(_, param)| param)
    }

    /// A text that is not empty.
    pub fn text(&self, name: &str) -> Option<&str> {
        match self.get(name)? {
            Param::Text(text) if !text.is_empty() => Some(text),
            _ => None,
        }
    }

    pub fn required(&self, name: &str) -> Result<&str, Reply> {
        self.text(name).ok_or_else(|| missing(name))
    }

    /// A switch in any of the spellings that the SDKs send; off where it is absent.
    pub fn switch(&self, name: &str) -> Result<bool, Reply> {
        self.optional_switch(name).map(|given| given.unwrap_or(false))
    }

    pub fn optional_switch(&self, name: &str) -> Result<Option<bool>, Reply> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.to_ascii_lowercase().as_str() {
            "1" | "true" | "t" | "yes" | "y" | "on" => Ok(Some(true)),
            "0" | "false" | "f" | "no" | "n" | "off" => Ok(Some(false)),
            _ => Err(bad(format!("Invalid value for parameter {name}: {text}"))),
        }
    }

    /// Several values: `x[]`, a JSON array, or one text.
    pub fn list(&self, name: &str) -> Option<Vec<String>> {
        match self.get(name)? {
            Param::List(items) => Some(items.clone()),
            Param::Text(text) if !text.is_empty() => Some(vec![text.clone()]),
            _ => None,
        }
    }

    /// Several values that may also come as one text with commas. An empty text counts as absent, an empty JSON array
    /// does not.
    pub fn comma_list(&self, name: &str) -> Option<Vec<String>> {
        let split =
            |text: &String| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
        match self.get(name)? {
            Param::List(items) => Some(items.clone()),
            Param::Text(text) if !text.is_empty() => Some(split(text)),
            _ => None,
        }
    }

    /// Pairs, as `k=v|k2=v2` with backslashes before `=` and `|` in values, or as a JSON object.
    pub fn pairs(&self, name: &str) -> Option<BTreeMap<String, String>> {
        match self.get(name)? {
            Param::Text(text) => Some(read_pairs(text)),
            Param::Json(Value::Object(fields)) => {
                let text =
                    |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                Some(fields.iter().map(|(name, value)| (name.clone(), text(value))).collect())
            }
            _ => None,
        }
    }

    /// A whole number from 1 to `most`; larger ones count as `most`.
    pub fn count(&self, name: &str, usual: usize, most: usize) -> Result<usize, Reply> {
        let Some(text) = self.text(name) else { return Ok(usual) };
        match text.parse::<usize>() {
            Ok(count) if count > 0 => Ok(count.min(most)),
            _ => Err(bad(format!("Invalid value for parameter {name}: {text}"))),
        }
    }
}

/// A part of a multipart body while it comes.
#[derive(Debug, Default)]
struct Part {
    head: Head,
    bytes: Vec<u8>,
    /// Goes on counting where the bytes are too many to be kept.
    length: usize,
}

impl Part {
    fn take(&mut self, data: &[u8], limits: &Limits, share: &mut Share) -> Result<(), Reply> {
        self.length += data.len();
        if self.length > limits.file {
            self.bytes = Vec::new();
            return Ok(());
        }
        share.grow(data.len()).map_err(|_| busy())?;
        self.bytes.extend_from_slice(data);
        Ok(())
    }
}

/// A file that is too large (facts §2.7).
pub fn too_large(got: usize, limits: &Limits) -> Reply {
    bad(format!("File size too large. Got {got}. Maximum is {}.", limits.file))
}

fn too_many() -> Reply {
    bad(format!("Too many parameters, maximum is {MOST_PARAMS}"))
}

fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
        _ => None,
    }
}

/// Whether a JSON text holds a number of values that may be read into memory: each costs many times its length.
fn is_modest(json: &[u8]) -> bool {
    let (mut values, mut depth, mut in_text, mut escaped) = (0_usize, 0_usize, false, false);
    for byte in json {
        match (in_text, byte) {
            (true, _) if escaped => escaped = false,
            (true, b'\\') => escaped = true,
            (_, b'"') => in_text = !in_text,
            (false, b',') => values += 1,
            (false, b'[' | b'{') => {
                values += 1;
                depth += 1;
            }
            (false, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if values > MOST_VALUES || depth > DEEPEST {
            return false;
        }
    }
    true
}

/// A name or value of a form or query.
fn form_text(text: &str) -> Result<String, Reply> {
    strictly_unescaped(text, true).ok_or_else(|| {
        let shown: String = text.chars().take(100).collect();
        bad(format!("Invalid %-encoding ({shown})"))
    })
}

/// The bytes of a `data:` URI.
pub fn data_uri(text: &str) -> Option<Vec<u8>> {
    let (head, data) = text.strip_prefix("data:")?.split_once(',')?;
    if head.ends_with(";base64") {
        let engine = base64::engine::general_purpose::STANDARD;
        if !data.contains(char::is_whitespace) {
            return engine.decode(data).ok();
        }
        let data: String = data.split_whitespace().collect();
        return engine.decode(data).ok();
    }
    Some(decoded(data, false).0)
}

/// Percent-decoding; in forms and queries a plus is a space. What is no escape stays, what is no UTF-8 is replaced.
pub fn unescape(text: &str, plus_is_space: bool) -> String {
    let (plain, _) = decoded(text, plus_is_space);
    String::from_utf8(plain)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// Percent-decoding; `None` where an escape is none, or what comes out no UTF-8.
pub fn strictly_unescaped(text: &str, plus_is_space: bool) -> Option<String> {
    let (plain, clean) = decoded(text, plus_is_space);
    String::from_utf8(plain).ok().filter(|_| clean)
}

/// The bytes, and whether every percent sign began an escape.
fn decoded(text: &str, plus_is_space: bool) -> (Vec<u8>, bool) {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let (mut at, mut clean) = (0, true);
    while at < bytes.len() {
        let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[at], plus_is_space) {
            (b'%', _) => {
                let pair = hex(bytes.get(at + 1)).zip(hex(bytes.get(at + 2)));
                clean &= pair.is_some();
                if let Some((high, low)) = pair {
                    plain.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                    at += 2;
                } else {
                    plain.push(b'%');
                }
            }
            (b'+', true) => plain.push(b' '),
            (byte, _) => plain.push(byte),
        }
        at += 1;
    }
    (plain, clean)
}

fn read_pairs(text: &str) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    let (mut name, mut value, mut in_value) = (String::new(), String::new(), false);
    let mut chars = text.chars();
    loop {
        let c = chars.next();
        match c {
            None | Some('|') => {
                if !name.is_empty() {
                    pairs.insert(std::mem::take(&mut name), std::mem::take(&mut value));
                }
                in_value = false;
                if c.is_none() {
                    return pairs;
                }
            }
            Some('=') if !in_value => in_value = true,
            Some(c) => {
                let c = if c == '\\' { chars.next().unwrap_or(c) } else { c };
                if in_value { value.push(c) } else { name.push(c) }
            }
        }
    }
}

#[cfg(test)]
mod unit {
    use super::*;

    #[test]
    fn forms_give_texts_lists_and_switches() {
        let mut params = Params::default();
        params.read_form("a=1+2&b[]=x%2Fy&b[]=z&c=&d=True&e=maybe&ids[0]=p&ids[1]=q&n=7").unwrap();
        assert_eq!(params.text("a"), Some("1 2"));
        assert_eq!(params.list("b"), Some(vec!["x/y".to_owned(), "z".to_owned()]));
        assert_eq!(params.list("ids"), Some(vec!["p".to_owned(), "q".to_owned()]));
        assert_eq!((params.text("c"), params.switch("d").ok()), (None, Some(true)));
        assert!(params.switch("e").is_err());
        assert_eq!(params.switch("nothing").ok(), Some(false));
        assert_eq!(params.count("n", 10, 5).ok(), Some(5));
    }

    #[test]
    fn json_gives_the_same() {
        let mut params = Params::default();
        params
            .read_json(br#"{"a":true,"b":["x","y"],"c":null,"d":{"k":"v"},"e":[{"f":1}]}"#)
            .unwrap();
        assert_eq!(params.switch("a").ok(), Some(true));
        assert_eq!(params.list("b"), Some(vec!["x".to_owned(), "y".to_owned()]));
        assert_eq!(params.get("c"), None);
        assert_eq!(params.pairs("d").unwrap()["k"], "v");
        assert!(matches!(params.get("e"), Some(Param::Json(_))));
        assert!(Params::default().read_json(b"[1]").is_err());
        assert!(Params::default().read_json(b"{").is_err());
    }

    #[test]
    fn what_is_too_much_or_no_text_is_refused() {
        let refused = |text: &str| {
            let reply = Params::default().read_form(text).unwrap_err();
            reply.body["error"]["message"].as_str().unwrap().to_owned()
        };
        assert_eq!(refused("a=%zz"), "Invalid %-encoding (%zz)");
        assert_eq!(refused("a%ff=1"), "Invalid %-encoding (a%ff)");
        assert_eq!(
            refused(&"a=1&".repeat(MOST_PARAMS + 1)),
            "Too many parameters, maximum is 5000"
        );
        assert_eq!(
            refused(&"a[]=1&".repeat(MOST_PARAMS + 1)),
            "Too many parameters, maximum is 5000"
        );
        let json = |text: &str| Params::default().read_json(text.as_bytes()).is_ok();
        assert!(json(&format!("{{\"a\":\"{}\"}}", "[,\\\"".repeat(MOST_VALUES))));
        assert!(!json(&format!("{{\"a\":[{}1]}}", "1,".repeat(MOST_VALUES))));
        assert!(!json(&format!("{{\"a\":{}{}}}", "[".repeat(DEEPEST), "]".repeat(DEEPEST))));
        assert!(!json("{\"a\":\"\\"));
    }

    #[test]
    fn pairs_may_hold_escaped_signs() {
        let pairs = read_pairs(r"alt=a\=b\|c|caption=d=e|=lost|");
        assert_eq!(pairs["alt"], "a=b|c");
        assert_eq!(pairs["caption"], "d=e");
        assert_eq!(pairs.len(), 2);
    }

    #[test]
    fn data_uris_are_decoded() {
        assert_eq!(data_uri("data:text/plain;base64,aGk="), Some(b"hi".to_vec()));
        assert_eq!(data_uri("data:,a%20b"), Some(b"a b".to_vec()));
        assert_eq!(data_uri("http://x/"), None);
    }
}
