//! Takes out of JSON and text what differs from run to run, so that shapes can be compared with golden files.

use serde_json::Value;

const TIMES: [&str; 6] = ["created_at", "started_at", "ended_at", "at", "since", "last_modified"];
const IDS: [&str; 4] = ["invalidation", "operation", "item", "version_id"];
const PEOPLE: [&str; 2] = ["by", "tracked_by"];
const NUMBERS: [&str; 5] = ["version", "age", "requests", "admin_left", "probes"];

/// The same value with `[time]`, `[id]`, `[ms]` and so on where a run leaves its traces; null stays null.
pub fn json(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            fields.iter().map(|(name, of)| (name.clone(), field(name, of))).collect()
        }
        Value::Array(all) => all.iter().map(json).collect(),
        Value::String(raw) => Value::String(text(raw)),
        other => other.clone(),
    }
}

fn field(name: &str, value: &Value) -> Value {
    let mark = |mark: &str| if value.is_null() { Value::Null } else { Value::from(mark) };
    match name {
        _ if TIMES.contains(&name) => mark("[time]"),
        _ if IDS.contains(&name) || (name == "id" && is_hash(value)) => mark("[id]"),
        _ if PEOPLE.contains(&name) => mark("[who]"),
        _ if name.ends_with("_ms") => mark("[ms]"),
        "low" | "high" => mark("[chance]"),
        _ if NUMBERS.contains(&name) => mark("[number]"),
        _ => json(value),
    }
}

/// The same text without ports, versions in paths, IDs and times.
pub fn text(raw: &str) -> String {
    let text = numbers_after(raw, "127.0.0.1:", 1, "[port]");
    // several calls at once: which answer told the quota last is not known
    let text = numbers_after(&text, "API calls of ", 1, "[number]");
    // the places' looks beyond those that the rule asks for
    let text = chance(&text);
    words(&numbers_after(&text, "/v", 10, "[version]"))
}

fn chance(raw: &str) -> String {
    let before = "chance to miss one stale node of four: ";
    let Some((head, tail)) = raw.split_once(before) else { return raw.to_owned() };
    // a span says what its ends mean, up to the end of its clause
    let ends = tail.find(['"', ';', '\n']).unwrap_or(tail.len());
    format!("{head}{before}[chance] %{}", &tail[ends..])
}

fn numbers_after(raw: &str, before: &str, shortest: usize, mark: &str) -> String {
    let mut text = String::new();
    let mut rest = raw;
    while let Some(at) = rest.find(before) {
        let from = at + before.len();
        let digits = rest[from..].chars().take_while(char::is_ascii_digit).count();
        text.push_str(&rest[..from]);
        text.push_str(if digits < shortest { &rest[from..from + digits] } else { mark });
        rest = &rest[from + digits..];
    }
    text + rest
}

/// UUIDs and times become marks; what stands between them stays.
fn words(raw: &str) -> String {
    let mut text = String::new();
    for (at, line) in raw.split('\n').enumerate() {
        if at > 0 {
            text.push('\n');
        }
        let mut rest = line;
        while !rest.is_empty() {
            let end = rest.find([' ', '"', '(', ')', ',']).unwrap_or(rest.len());
            let (word, after) = rest.split_at(end);
            text.push_str(match word {
                _ if is_uuid(word) => "[id]",
                _ if is_date(word) => "[date]",
                _ if is_clock(word) => "[clock]",
                _ if is_version(word) => "[version]",
                _ => word,
            });
            let separator = after.chars().next();
            text.extend(separator);
            rest = &after[separator.map_or(0, char::len_utf8)..];
        }
    }
    text
}

fn is_hash(value: &Value) -> bool {
    value.as_str().is_some_and(|id| id.len() == 32 && id.chars().all(|c| c.is_ascii_hexdigit()))
}

fn is_uuid(word: &str) -> bool {
    word.len() == 36 && word.chars().all(|c| c.is_ascii_hexdigit() || c == '-')
}

fn is_date(word: &str) -> bool {
    word.len() == 10 && word.starts_with("20") && word.matches('-').count() == 2
}

fn is_clock(word: &str) -> bool {
    word.len() == 9 && word.ends_with('Z') && word.matches(':').count() == 2
}

fn is_version(word: &str) -> bool {
    word.len() == 10 && word.starts_with(['1', '2']) && word.chars().all(|c| c.is_ascii_digit())
}
