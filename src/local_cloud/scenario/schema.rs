//! The JSON Schema of scenario files, made of the tables that they are read by. Editors that know TOML use it.

use serde_json::{Map, Value, json};

use super::keys::{EDGE, EXPECT, FAULT, Key, OF_KINDS, TOP, Takes};
use crate::local_cloud::pops::{POPS, SHIELDS};
use crate::local_cloud::world::fault::{KINDS, SiteKind};

const DURATION: &str = r"^\s*([0-9]+(\.[0-9]+)?\s*(ns|us|µs|ms|s|m|h|d)\s*)+$";

/// The schema as it stands in `docs/scenario.schema.json`.
#[must_use]
pub fn schema() -> Value {
    let mut top = properties(TOP);
    top["edge"] = json!({
        "type": "object",
        "description": about(TOP, "edge"),
        "propertyNames": {"$ref": "#/$defs/code"},
        "additionalProperties": table(EDGE),
    });
    top["fault"] = json!({
        "type": "array",
        "description": about(TOP, "fault"),
        "items": fault(),
    });
    let mut expect = table(EXPECT);
    expect["description"] = json!(about(TOP, "expect"));
    top["expect"] = expect;
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Scenario of the local cloud",
        "type": "object",
        "additionalProperties": false,
        "properties": top,
        "$defs": {
            "code": {"enum": POPS.iter().map(|pop| pop.code).collect::<Vec<_>>()},
            "duration": {"type": "string", "pattern": DURATION},
            "range": {"type": "string", "description": "2s..20s, or one duration"},
        },
    })
}

fn fault() -> Value {
    let mut fault = table(FAULT);
    fault["properties"]["kind"] = json!({
        "description": about(FAULT, "kind"),
        "oneOf": KINDS
            .iter()
            .map(|spec| json!({"const": spec.word, "description": spec.about}))
            .collect::<Vec<_>>(),
    });
    fault["required"] = json!(["kind"]);
    let sites: Vec<Value> =
        SiteKind::ALL.iter().map(|site| json!({"required": [site.word()]})).collect();
    let refused = |names: Vec<&str>| {
        let never: Map<String, Value> =
            names.into_iter().map(|name| (name.to_owned(), json!(false))).collect();
        never
    };
    let of_kind = KINDS.iter().map(|spec| {
        let foreign = OF_KINDS.iter().copied().filter(|key| !spec.keys.contains(key));
        let sites = SiteKind::ALL.iter().filter(|site| !spec.sites.contains(site));
        let never = refused(foreign.chain(sites.map(|site| site.word())).collect());
        json!({
            "if": {"properties": {"kind": {"const": spec.word}}},
            "then": {"properties": never},
        })
    });
    let once = json!({"not": {"required": ["at", "after_invalidation"]}});
    fault["oneOf"] = json!(sites);
    fault["allOf"] = of_kind.chain([once]).collect();
    fault
}

fn table(keys: &[Key]) -> Value {
    json!({"type": "object", "additionalProperties": false, "properties": properties(keys)})
}

fn properties(keys: &[Key]) -> Value {
    let described = |key: &Key| {
        let mut takes = takes(key.takes);
        takes["description"] = json!(key.about);
        (key.name.to_owned(), takes)
    };
    Value::Object(keys.iter().map(described).collect())
}

fn about(keys: &[Key], name: &str) -> &'static str {
    super::keys::find(keys, name).map_or("", |key| key.about)
}

fn takes(takes: Takes) -> Value {
    let code = json!({"$ref": "#/$defs/code"});
    match takes {
        Takes::Text => json!({"type": "string"}),
        Takes::Integer(from, i64::MAX) => json!({"type": "integer", "minimum": from}),
        Takes::Integer(from, to) => json!({"type": "integer", "minimum": from, "maximum": to}),
        Takes::Number(from, to) => json!({"type": "number", "minimum": from, "maximum": to}),
        Takes::Switch => json!({"type": "boolean"}),
        Takes::Duration => json!({"$ref": "#/$defs/duration"}),
        Takes::SignedDuration => json!({"type": "string", "examples": ["5m", "-5m"]}),
        Takes::Begin => json!({"type": "string", "examples": ["5s", "start", "start+5s"]}),
        Takes::Range => json!({"$ref": "#/$defs/range"}),
        Takes::Words(words) => json!({"enum": words}),
        Takes::Code => code,
        Takes::Codes => {
            json!({"anyOf": [code, {"const": "*"}, {"type": "array", "items": code, "minItems": 1}]})
        }
        Takes::Shields => json!({"anyOf": [
            {"type": "integer", "minimum": 0, "maximum": SHIELDS.len()},
            {"type": "array", "items": code},
        ]}),
        Takes::Tables => json!({"type": "array"}),
        Takes::Table => json!({"type": "object"}),
    }
}
