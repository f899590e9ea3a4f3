//! What the field of a rename knows.

use tui_input::Input;

use crate::app::msg::Failure;
use crate::app::order::Target;
use crate::domain::public_id::PublicId;

/// The new name and whether it may overwrite.
#[derive(Debug, Clone)]
pub struct RenameForm {
    /// Name as it is, as far as known; a typed URL until it is resolved.
    pub from: String,
    pub field: Input,
    pub overwrite: bool,
    /// The rule that the text breaks, if any.
    pub problem: Option<String>,
    /// Why the last plan could not be made.
    pub failure: Option<Failure>,
    /// The cloud said that the name is taken.
    pub target_exists: bool,
}

impl RenameForm {
    /// Prefilled with the name as it is, or with what was typed after `:rename`.
    #[must_use]
    pub fn new(from: &Target, to: Option<&str>, overwrite: bool) -> Self {
        let name = match from {
            Target::Key(key) => key.public_id.to_string(),
            Target::Typed { text, .. } => text.clone(),
        };
        let is_url = name.contains("://");
        let field = Input::new(
            to.map_or_else(|| if is_url { String::new() } else { name.clone() }, str::to_owned),
        );
        let mut form = Self {
            from: name,
            field,
            overwrite,
            problem: None,
            failure: None,
            target_exists: false,
        };
        form.check();
        form
    }

    /// Looks at the text again.
    pub fn check(&mut self) {
        self.failure = None;
        self.target_exists = false;
        self.problem = match self.field.value().parse::<PublicId>() {
            Err(why) => Some(why.to_string()),
            Ok(to) if to.as_str() == self.from => Some("type the new name".to_owned()),
            Ok(_) => None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::asset::AssetKey;

    #[test]
    fn the_first_broken_rule_is_named_while_typing() {
        let from = Target::Key(AssetKey::image("press/hero".parse().unwrap()));
        let mut form = RenameForm::new(&from, None, false);
        assert_eq!(form.field.value(), "press/hero");
        assert_eq!(form.problem.as_deref(), Some("type the new name"));
        form.field = Input::new("press/hero?".into());
        form.check();
        assert!(form.problem.as_deref().unwrap().contains('?'));
        form.field = Input::new("press/hero-2".into());
        form.check();
        assert_eq!(form.problem, None);
    }
}
