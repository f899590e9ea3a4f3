//! Where keys mean something.

/// Where keys mean something. A scope takes over the keys of its parent, and a test sees that none is hidden.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// In every scope, text fields included.
    Always,
    /// On every screen.
    Anywhere,
    Assets,
    /// The details of an asset.
    Details,
    Pending,
    Watch,
    Jobs,
    Activity,
    /// The text field of `/`.
    Filter,
    /// The text field of `:`.
    CommandLine,
    Help,
    SortMenu,
    /// Every dialog of an order.
    Dialog,
    /// Its text field.
    Form,
    /// Its plan is being made, or could not be.
    Waiting,
    /// Its plan, confirmed by a key.
    Plan,
    /// Its plan, confirmed by a typed word.
    PlanWord,
    /// Its calls are being made.
    Running,
    /// A question to be answered with yes or no.
    Ask,
    /// The sightings of one cell.
    Evidence,
    /// A list to pick from, with its search field.
    Picker,
    CopyMenu,
    Debug,
}

impl Scope {
    pub const ALL: [Self; 23] = [
        Self::Always,
        Self::Anywhere,
        Self::Assets,
        Self::Details,
        Self::Pending,
        Self::Watch,
        Self::Jobs,
        Self::Activity,
        Self::Filter,
        Self::CommandLine,
        Self::Help,
        Self::SortMenu,
        Self::Dialog,
        Self::Form,
        Self::Waiting,
        Self::Plan,
        Self::PlanWord,
        Self::Running,
        Self::Ask,
        Self::Evidence,
        Self::Picker,
        Self::CopyMenu,
        Self::Debug,
    ];

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Always => "always",
            Self::Anywhere => "every screen",
            Self::Assets => "Assets",
            Self::Details => "details of an asset",
            Self::Pending => "Pending",
            Self::Watch => "Watch",
            Self::Jobs => "Jobs",
            Self::Activity => "Activity",
            Self::Filter => "filter field",
            Self::CommandLine => "command line",
            Self::Help => "help",
            Self::SortMenu => "sort menu",
            Self::Dialog => "every dialog",
            Self::Form => "dialog with a field",
            Self::Waiting => "dialog that waits",
            Self::Plan => "plan",
            Self::PlanWord => "plan with a word to type",
            Self::Running => "order under way",
            Self::Ask => "question",
            Self::Evidence => "evidence",
            Self::Picker => "list to pick from",
            Self::CopyMenu => "copy menu",
            Self::Debug => "debug overlay",
        }
    }

    /// Whose keys hold here as well.
    #[must_use]
    pub const fn parent(self) -> Option<Self> {
        match self {
            Self::Always => None,
            Self::Anywhere
            | Self::Filter
            | Self::CommandLine
            | Self::Help
            | Self::SortMenu
            | Self::Evidence
            | Self::Picker
            | Self::CopyMenu
            | Self::Debug
            | Self::Dialog => Some(Self::Always),
            Self::Assets | Self::Pending | Self::Watch | Self::Jobs | Self::Activity => {
                Some(Self::Anywhere)
            }
            Self::Details => Some(Self::Assets),
            Self::Form
            | Self::Waiting
            | Self::Plan
            | Self::PlanWord
            | Self::Running
            | Self::Ask => Some(Self::Dialog),
        }
    }

    /// Whether every character goes into a text field.
    #[must_use]
    pub const fn is_text(self) -> bool {
        matches!(
            self,
            Self::Filter
                | Self::CommandLine
                | Self::Help
                | Self::Form
                | Self::PlanWord
                | Self::Picker
        )
    }

    /// Whether nothing behind the dialog may be reached.
    #[must_use]
    pub const fn is_dialog(self) -> bool {
        matches!(
            self,
            Self::Form | Self::Waiting | Self::Plan | Self::PlanWord | Self::Running | Self::Ask
        )
    }
}
