//! Parameters of a call, from query, form, multipart or JSON (facts §2.1).

use std::collections::BTreeMap;

use axum::body::{Body, Bytes};
use axum::extract::{DefaultBodyLimit, FromRequest as _, Multipart, Request};
use axum::http::header;
use base64::Engine as _;
use serde_json::Value;

use super::reply::{Reply, bad, missing};

/// Largest body that is read: the largest file, and some room around it.
pub const MOST_BYTES: usize = MOST_FILE_BYTES + 1024 * 1024;
/// Largest file in one request.
pub const MOST_FILE_BYTES: usize = 100 * 1024 * 1024;

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
    /// Reads query and body of a request.
    pub async fn of(request: Request) -> Result<Self, Reply> {
        let mut params = Self::default();
        params.read_form(request.uri().query().unwrap_or_default());
        let kind = request.headers().get(header::CONTENT_TYPE);
        let kind = kind.and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if kind == "multipart/form-data" {
            params.read_multipart(request).await?;
            return Ok(params);
        }
        let body = body_of(request.into_body()).await?;
        if kind == "application/json" || kind.ends_with("+json") {
            params.read_json(&body)?;
        } else if kind == "application/x-www-form-urlencoded" {
            params.read_form(&String::from_utf8_lossy(&body));
        } else if !body.is_empty() {
            return Err(bad(format!("Unsupported content type {kind}")));
        }
        Ok(params)
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
        params.read_form(text);
        params
    }

    fn read_form(&mut self, text: &str) {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            self.add(unescape(name, true), unescape(value, true));
        }
    }

    fn read_json(&mut self, body: &[u8]) -> Result<(), Reply> {
        if body.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let fields = match serde_json::from_slice(body) {
            Ok(Value::Object(fields)) => fields,
            Ok(Value::Null) => return Ok(()),
            _ => return Err(bad("Invalid JSON in request body")),
        };
        for (name, value) in fields {
            let scalar = |value: &Value| match value {
                Value::String(text) => Some(text.clone()),
                Value::Bool(_) | Value::Number(_) => Some(value.to_string()),
                _ => None,
            };
            match &value {
                Value::Null => {}
                Value::Array(items) => {
                    let texts: Option<Vec<String>> = items.iter().map(scalar).collect();
                    self.0.push((name, texts.map_or(Param::Json(value), Param::List)));
                }
                Value::Object(_) => self.0.push((name, Param::Json(value))),
                _ => self.add(name, scalar(&value).unwrap_or_default()),
            }
        }
        Ok(())
    }

    async fn read_multipart(&mut self, request: Request) -> Result<(), Reply> {
        let mut request = request;
        DefaultBodyLimit::max(MOST_BYTES).apply(&mut request);
        let refuse = |error: String| bad(format!("Invalid multipart body: {error}"));
        let mut parts = Multipart::from_request(request, &())
            .await
            .map_err(|error| refuse(error.body_text()))?;
        while let Some(part) =
            parts.next_field().await.map_err(|error| refuse(error.body_text()))?
        {
            let name = part.name().unwrap_or_default().to_owned();
            let file = part.file_name().map(str::to_owned);
            let bytes = part.bytes().await.map_err(|error| refuse(error.body_text()))?;
            if name == "file" && (file.is_some() || std::str::from_utf8(&bytes).is_err()) {
                self.0.push((name, Param::File { name: file, bytes }));
            } else {
                self.add(name, String::from_utf8_lossy(&bytes).into_owned());
            }
        }
        Ok(())
    }

    /// Adds a text; `name[]` and `name[0]` collect.
    fn add(&mut self, name: String, value: String) {
        let base = name.split_once('[').filter(|(_, rest)| {
            rest.strip_suffix(']').is_some_and(|at| at.bytes().all(|byte| byte.is_ascii_digit()))
        });
        let Some((base, _)) = base else {
            self.0.push((name, Param::Text(value)));
            return;
        };
        let known = self.0.iter_mut().find_map(|(name, param)| match param {
            Param::List(items) if name == base => Some(items),
            _ => None,
        });
        match known {
            Some(items) => items.push(value),
            None => self.0.push((base.to_owned(), Param::List(vec![value]))),
        }
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

    /// Several values that may also come as one text with commas.
    pub fn comma_list(&self, name: &str) -> Option<Vec<String>> {
        let split =
            |text: &String| text.split(',').map(|part| part.trim().to_owned()).collect::<Vec<_>>();
        match self.get(name)? {
            Param::List(items) => Some(items.clone()),
            Param::Text(text) => Some(split(text)),
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

async fn body_of(body: Body) -> Result<Bytes, Reply> {
    axum::body::to_bytes(body, MOST_BYTES)
        .await
        .map_err(|_| bad(format!("File size too large. Maximum is {MOST_FILE_BYTES}.")))
}

/// The bytes of a `data:` URI.
pub fn data_uri(text: &str) -> Option<Vec<u8>> {
    let (head, data) = text.strip_prefix("data:")?.split_once(',')?;
    if head.ends_with(";base64") {
        let data: String = data.chars().filter(|c| !c.is_whitespace()).collect();
        let engine = base64::engine::general_purpose::STANDARD;
        return engine.decode(data.as_bytes()).ok();
    }
    Some(unescape(data, false).into_bytes())
}

/// Percent-decoding; in forms and queries a plus is a space. What is no UTF-8 is replaced.
pub fn unescape(text: &str, plus_is_space: bool) -> String {
    let bytes = text.as_bytes();
    let mut plain = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
        match (bytes[at], hex(bytes.get(at + 1)), hex(bytes.get(at + 2))) {
            (b'%', Some(high), Some(low)) => {
                plain.push(u8::try_from(high * 16 + low).unwrap_or(b'?'));
                at += 2;
            }
            (b'+', ..) if plus_is_space => plain.push(b' '),
            (byte, ..) => plain.push(byte),
        }
        at += 1;
    }
    String::from_utf8_lossy(&plain).into_owned()
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
        params.read_form("a=1+2&b[]=x%2Fy&b[]=z&c=&d=True&e=maybe&ids[0]=p&ids[1]=q&n=7");
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
