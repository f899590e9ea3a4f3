//! Scenario files: what goes wrong at which edge, and when.
//!
//! ```toml
//! seed = 7                     # optional; takes the place of --seed
//! propagation = "2s..20s"      # optional; takes the place of --propagation
//!
//! [[fault]]
//! edge = "SIN"                 # code of the PoP, or "*" for all edges
//! kind = "stuck"               # stuck, dead, slow, regress, lost, ageless, unavailable, throttled
//! at = "5s"                    # optional: so long after the first invalidation; "start", "start+5s": after the start
//! for = "20s"                  # optional: how long; without it, until the cloud stops
//! ```
//!
//! Without `at` a fault is there from the start. `slow` also takes `delay` (each answer comes later by it, 800 ms)
//! and `late` (each invalidation arrives later by it, 30 s); `regress` takes `after` (from clearing to falling back,
//! 3 s). What each kind does is told at [`FaultKind`].

use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Deserializer};

use super::span::{Propagation, duration};
use super::world::fault::{Begin, EdgeChoice, Fault, FaultKind};

/// A scenario that was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Scenario {
    pub seed: Option<u64>,
    pub propagation: Option<Propagation>,
    pub faults: Vec<Fault>,
}

/// Why a scenario cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ScenarioError {
    #[error("cannot read scenario {path}: {source}")]
    Io { path: String, source: std::io::Error },
    #[error("{path}:{line}: {}{message}", .key.as_ref().map(|key| format!("`{key}`: ")).unwrap_or_default())]
    Invalid {
        path: String,
        /// From 1.
        line: usize,
        /// The key that is wrong, e.g. `fault[1].kind`.
        key: Option<String>,
        message: String,
    },
}

impl Scenario {
    /// Reads a file.
    ///
    /// # Errors
    /// The file cannot be read, or its first mistake with line and key.
    pub fn load(path: &Path) -> Result<Self, ScenarioError> {
        let name = path.display().to_string();
        match std::fs::read_to_string(path) {
            Ok(text) => Self::parse(&text, &name),
            Err(source) => Err(ScenarioError::Io { path: name, source }),
        }
    }

    /// Reads the text of a file called `name`.
    ///
    /// # Errors
    /// The first mistake with line and key.
    pub fn parse(text: &str, name: &str) -> Result<Self, ScenarioError> {
        let invalid = |key: Option<String>, error: &toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start.min(text.len()));
            ScenarioError::Invalid {
                path: name.to_owned(),
                line: text[..text.floor_char_boundary(at)].matches('\n').count() + 1,
                key: key.filter(|key| key != "."),
                message: error.message().replace('\n', " "),
            }
        };
        let reader = toml::Deserializer::parse(text).map_err(|error| invalid(None, &error))?;
        let written: Written = serde_path_to_error::deserialize(reader)
            .map_err(|error| invalid(Some(error.path().to_string()), error.inner()))?;
        let faults = written.fault.into_iter().map(WrittenFault::read).collect();
        Ok(Self { seed: written.seed, propagation: written.propagation, faults })
    }
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    seed: Option<u64>,
    #[serde(default, deserialize_with = "propagation")]
    propagation: Option<Propagation>,
    #[serde(default)]
    fault: Vec<WrittenFault>,
}

/// A fault as files and the control surface write it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WrittenFault {
    #[serde(deserialize_with = "edge")]
    edge: EdgeChoice,
    kind: FaultKind,
    #[serde(default, deserialize_with = "begin")]
    at: Option<Begin>,
    #[serde(default, rename = "for", deserialize_with = "span")]
    lasts: Option<Duration>,
    #[serde(default, deserialize_with = "span")]
    delay: Option<Duration>,
    #[serde(default, deserialize_with = "span")]
    late: Option<Duration>,
    #[serde(default, deserialize_with = "span")]
    after: Option<Duration>,
}

impl WrittenFault {
    /// The fault as in a file: `at` counts from the first invalidation unless it says otherwise.
    #[must_use]
    pub fn read(self) -> Fault {
        Fault {
            begin: self.at.unwrap_or(Begin::Start(Duration::ZERO)),
            lasts: self.lasts,
            delay: self.delay.unwrap_or(Fault::DELAY),
            late: self.late.unwrap_or(Fault::LATE),
            after: self.after.unwrap_or(Fault::AFTER),
            ..Fault::new(self.edge, self.kind)
        }
    }

    /// The fault as given while the cloud runs: `at` counts from now.
    #[must_use]
    pub fn read_live(self) -> Fault {
        let fault = self.read();
        let (Begin::Start(after) | Begin::FirstInvalidation(after)) = fault.begin;
        Fault { begin: Begin::Start(after), ..fault }
    }
}

fn edge<'de, D: Deserializer<'de>>(from: D) -> Result<EdgeChoice, D::Error> {
    let text = String::deserialize(from)?;
    let is_code = text.len() == 3 && text.bytes().all(|byte| byte.is_ascii_alphabetic());
    if is_code || matches!(text.as_str(), "*" | "all") {
        return Ok(EdgeChoice::read(&text));
    }
    let message = format!("`{text}` is no code of a PoP, such as SIN; * stands for all edges");
    Err(serde::de::Error::custom(message))
}

fn begin<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Begin>, D::Error> {
    let text = String::deserialize(from)?;
    let begin = match text.strip_prefix("start") {
        Some("") => Ok(Begin::Start(Duration::ZERO)),
        Some(rest) if rest.starts_with('+') => duration(&rest[1..]).map(Begin::Start),
        _ => duration(&text).map(Begin::FirstInvalidation),
    };
    begin.map(Some).map_err(serde::de::Error::custom)
}

fn span<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
    let text = String::deserialize(from)?;
    duration(&text).map(Some).map_err(serde::de::Error::custom)
}

fn propagation<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Propagation>, D::Error> {
    let text = String::deserialize(from)?;
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_says_what_goes_wrong_and_when() {
        let text = r#"
            seed = 7
            propagation = "500ms..3s"
            [[fault]]
            edge = "sin"
            kind = "stuck"
            at = "5s"
            for = "20s"
            [[fault]]
            edge = "*"
            kind = "slow"
            delay = "2s"
            [[fault]]
            edge = "FRA"
            kind = "dead"
            at = "start+1s"
        "#;
        let scenario = Scenario::parse(text, "x.toml").unwrap();
        assert_eq!(scenario.seed, Some(7));
        assert_eq!(scenario.propagation.unwrap().to_string(), "500ms..3s");
        let secs = Duration::from_secs;
        assert_eq!(
            scenario.faults,
            [
                Fault {
                    begin: Begin::FirstInvalidation(secs(5)),
                    lasts: Some(secs(20)),
                    ..Fault::new(EdgeChoice::One("SIN".into()), FaultKind::Stuck)
                },
                Fault { delay: secs(2), ..Fault::new(EdgeChoice::All, FaultKind::Slow) },
                Fault {
                    begin: Begin::Start(secs(1)),
                    ..Fault::new(EdgeChoice::One("FRA".into()), FaultKind::Dead)
                },
            ]
        );
    }

    #[test]
    fn mistakes_are_told_with_line_and_key() {
        let refused = |text: &str| Scenario::parse(text, "x.toml").unwrap_err().to_string();
        let fault = "[[fault]]\nedge = \"SIN\"\n";
        let cases = [
            ("sead = 1", "x.toml:1: `sead`: unknown field"),
            (
                &format!("{fault}kind = \"stuck\"\nwhen = \"5s\"") as &str,
                "x.toml:4: `fault[0].when`: unknown field",
            ),
            (
                &format!("{fault}kind = \"tired\""),
                "x.toml:3: `fault[0].kind`: unknown variant `tired`",
            ),
            (
                &format!("{fault}kind = \"stuck\"\nat = \"soon\""),
                "x.toml:4: `fault[0].at`: `soon` is no duration",
            ),
            (
                &format!("{fault}kind = \"stuck\"\nfor = 5"),
                "x.toml:4: `fault[0].for`: invalid type: integer",
            ),
            (
                "[[fault]]\nedge = \"Mars\"\nkind = \"dead\"",
                "x.toml:2: `fault[0].edge`: `Mars` is no code",
            ),
            ("propagation = \"9s..1s\"", "x.toml:1: `propagation`: "),
            ("seed = ", "x.toml:1: "),
        ];
        for (text, begins) in cases {
            let message = refused(text);
            assert!(message.starts_with(begins), "{message}");
        }
        assert!(refused(fault).contains("missing field `kind`"));
    }

    #[test]
    fn every_scenario_that_comes_with_the_program_can_be_used() {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/scenarios");
        let mut read = 0;
        for file in std::fs::read_dir(folder).unwrap() {
            let path = file.unwrap().path();
            let scenario = Scenario::load(&path).unwrap_or_else(|error| panic!("{error}"));
            for fault in &scenario.faults {
                if let EdgeChoice::One(code) = &fault.edge {
                    let usual = &super::super::pops::POPS[..8];
                    assert!(
                        usual.iter().any(|pop| pop.code == code),
                        "{code} in {}",
                        path.display()
                    );
                }
            }
            read += 1;
        }
        assert!(read >= 6, "{read} scenarios");
    }
}
