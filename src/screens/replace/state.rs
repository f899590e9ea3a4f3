//! What the field of a replace knows.

use std::path::Path;

use tui_input::Input;

use crate::app::msg::Failure;
use crate::app::order::Target;

/// The path of the file; whether it can be read is found out with the plan.
#[derive(Debug, Clone)]
pub struct ReplaceForm {
    pub name: String,
    pub field: Input,
    pub problem: Option<String>,
    pub failure: Option<Failure>,
}

impl ReplaceForm {
    #[must_use]
    pub fn new(key: &Target, file: Option<&Path>) -> Self {
        let field = Input::new(file.map_or_else(String::new, |file| file.display().to_string()));
        let mut form = Self { name: key.label(), field, problem: None, failure: None };
        form.check();
        form
    }

    /// Looks at the text again.
    pub fn check(&mut self) {
        self.failure = None;
        self.problem = self
            .field
            .value()
            .trim()
            .is_empty()
            .then(|| "type the path of the new file; `~/` is your home".to_owned());
    }
}
