//! What the dialog of an order knows.

use tui_input::Input;

use crate::app::commands::Scope;
use crate::app::effect::TaskId;
use crate::app::key::Key;
use crate::app::msg::Failure;
use crate::app::order::{Request, Wish};
use crate::app::state::Env;
use crate::domain::asset::AssetKey;
use crate::domain::confidence::Confidence;
use crate::domain::purge::{OrderTerms, Plan};
use crate::domain::time::Moment;
use crate::screens::rename::RenameForm;
use crate::screens::replace::ReplaceForm;

/// An order from its first key to its confirmation.
#[derive(Debug, Clone)]
pub struct OrderDialog {
    pub request: Request,
    pub invalidate: bool,
    /// `None`: the profile's level.
    pub confidence: Option<Confidence>,
    /// Also names to the cloud, one by one, the URLs that the order does not reach.
    pub attempt_by_url: bool,
    /// The key that opened it: it never confirms it.
    pub opened_by: Option<Key>,
    pub stage: Stage,
    /// Kept while a plan is shown, so that esc leads back to the field.
    pub form: Option<Form>,
    pub scroll: usize,
}

/// Where the dialog is.
#[derive(Debug, Clone)]
pub enum Stage {
    /// The field has the keys.
    Form,
    /// Names are read and the plan is made.
    Planning { task: TaskId, since: Moment },
    /// The plan is shown and waits for its confirmation.
    Review { plan: Box<Plan>, word: Option<WordField> },
    /// No plan: why not.
    Refused(Failure),
}

/// The field for the word that confirms.
#[derive(Debug, Clone, Default)]
pub struct WordField {
    pub field: Input,
    /// Enter was pressed with another word in it.
    pub wrong: bool,
}

/// The fields of orders that need more than names.
#[derive(Debug, Clone)]
pub enum Form {
    Rename(RenameForm),
    Replace(ReplaceForm),
}

impl Form {
    /// The text field that has the keys.
    pub const fn field(&mut self) -> &mut Input {
        match self {
            Self::Rename(form) => &mut form.field,
            Self::Replace(form) => &mut form.field,
        }
    }

    /// Looks at the text again after a key.
    pub fn edited(&mut self) {
        match self {
            Self::Rename(form) => form.check(),
            Self::Replace(form) => form.check(),
        }
    }

    /// The plan could not be made: say so at the field.
    pub fn refuse(&mut self, failure: Failure) {
        match self {
            Self::Rename(form) => form.failure = Some(failure),
            Self::Replace(form) => form.failure = Some(failure),
        }
    }
}

impl OrderDialog {
    /// The dialog of a wish; it asks what is missing first.
    #[must_use]
    pub fn new(wish: Wish, opened_by: Option<Key>) -> Self {
        let form = match &wish.request {
            Request::Rename { from, to, overwrite } => {
                Some(Form::Rename(RenameForm::new(from, to.as_deref(), *overwrite)))
            }
            Request::Replace { key, file } => {
                Some(Form::Replace(ReplaceForm::new(key, file.as_deref())))
            }
            Request::Delete(_) | Request::Purge(_) | Request::Restore(_) => None,
        };
        Self {
            request: wish.request,
            invalidate: wish.invalidate,
            confidence: None,
            attempt_by_url: false,
            opened_by,
            stage: Stage::Form,
            form,
            scroll: 0,
        }
    }

    /// Whether nothing has to be asked before the plan is made.
    #[must_use]
    pub const fn is_complete(&self) -> bool {
        match &self.request {
            Request::Rename { to, .. } => to.is_some(),
            Request::Replace { file, .. } => file.is_some(),
            Request::Delete(_) | Request::Purge(_) | Request::Restore(_) => true,
        }
    }

    /// Whether it may be about many assets, so that its names are worth a file.
    #[must_use]
    pub const fn is_for_many(&self) -> bool {
        matches!(self.request, Request::Delete(_) | Request::Purge(_) | Request::Restore(_))
    }

    /// Whether its plan leaves URLs out that the cloud could be told one by one.
    #[must_use]
    pub fn misses(&self) -> bool {
        matches!(&self.stage, Stage::Review { plan, .. } if !plan.not_covered.is_empty())
    }

    #[must_use]
    pub const fn scope(&self) -> Scope {
        match &self.stage {
            Stage::Form => Scope::Form,
            Stage::Planning { .. } | Stage::Refused(_) => Scope::Waiting,
            Stage::Review { word: None, .. } => Scope::Plan,
            Stage::Review { word: Some(_), .. } => Scope::PlanWord,
        }
    }

    #[must_use]
    pub const fn is_planning(&self) -> bool {
        matches!(self.stage, Stage::Planning { .. })
    }

    /// The field that has the keys, if any.
    pub fn field(&mut self) -> Option<&mut Input> {
        match &mut self.stage {
            Stage::Form => self.form.as_mut().map(Form::field),
            Stage::Review { word: Some(word), .. } => Some(&mut word.field),
            _ => None,
        }
    }

    /// The names of the plan, one a line, below the command that takes them; `{}` stands for the name of the file.
    ///
    /// # Errors
    /// What cannot be said in such a file, in one sentence.
    pub fn for_the_command_line(&self, env: &Env) -> Result<String, &'static str> {
        let Stage::Review { plan, .. } = &self.stage else { return Err("there is no plan yet") };
        let command = match self.request {
            Request::Delete(_) => "rm",
            Request::Purge(_) => "purge",
            Request::Restore(_) => "restore",
            Request::Rename { .. } | Request::Replace { .. } => {
                return Err("that is one asset: the copy menu has its command");
            }
        };
        let types = |key: &AssetKey| (key.resource_type, key.delivery_type);
        let Some((resource, delivery)) = plan.items.first().map(|item| types(&item.key)) else {
            return Err("there is nothing in it");
        };
        if plan.items.iter().any(|item| types(&item.key) != (resource, delivery)) {
            return Err("assets of several types: a file has the names of one");
        }
        let day = env.now.strftime("%F %T UTC");
        let (cloud, count) = (&plan.cloud_name, plan.items.len());
        let keep = if plan.invalidate { "" } else { " --no-invalidate" };
        let mut text = format!(
            "# planned on {day} for the cloud {cloud}: {command}, {count} assets\n\
             # allclear {command} --from {{}} --resource-type {resource} --type {delivery}{keep} --dry-run\n"
        );
        for item in &plan.items {
            text.push_str(item.key.public_id.as_str());
            text.push('\n');
        }
        Ok(text)
    }

    /// How the order is to be carried out.
    #[must_use]
    pub fn terms(&self) -> OrderTerms {
        let mut terms = OrderTerms {
            invalidate: self.invalidate,
            confidence: self.confidence,
            attempt_by_url: self.attempt_by_url,
            ..OrderTerms::default()
        };
        terms.command_line = self.request.command_line(&terms);
        terms
    }
}
