//! What an operator can ask for.

use super::order::Wish;
use crate::domain::id::InvalidationId;
use crate::ports::cloud::ListQuery;
use crate::screens::assets::DetailsTab;
use crate::screens::pending::Show;
use crate::screens::picker::PickerKind;
use crate::screens::watch::Tab;

/// The screens, in the order of their tabs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Screen {
    #[default]
    Assets,
    Pending,
    Watch,
    Jobs,
    Activity,
}

impl Screen {
    pub const ALL: [Self; 5] =
        [Self::Assets, Self::Pending, Self::Watch, Self::Jobs, Self::Activity];

    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Assets => "Assets",
            Self::Pending => "Pending",
            Self::Watch => "Watch",
            Self::Jobs => "Jobs",
            Self::Activity => "Activity",
        }
    }
}

/// How far a cursor moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Motion {
    Lines(i32),
    HalfPages(i32),
    Pages(i32),
    Top,
    Bottom,
}

/// What a list is sorted by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SortBy {
    /// As the server or the journal sends them.
    #[default]
    Server,
    Name,
    Age,
    Size,
    Kind,
    Pending,
    /// What needs somebody first.
    State,
    /// Rename, delete, purge.
    Order,
    /// How far it is.
    Done,
    Who,
}

impl SortBy {
    pub const ALL: [Self; 10] = [
        Self::Server,
        Self::Name,
        Self::Age,
        Self::Size,
        Self::Kind,
        Self::Pending,
        Self::State,
        Self::Order,
        Self::Done,
        Self::Who,
    ];

    /// What the list of a screen can be sorted by.
    #[must_use]
    pub const fn of(screen: Screen) -> &'static [Self] {
        match screen {
            Screen::Assets | Screen::Watch => {
                &[Self::Server, Self::Name, Self::Age, Self::Size, Self::Kind, Self::Pending]
            }
            Screen::Pending | Screen::Jobs => &[
                Self::Server,
                Self::Name,
                Self::Age,
                Self::Size,
                Self::State,
                Self::Order,
                Self::Done,
                Self::Who,
            ],
            Screen::Activity => &[
                Self::Server,
                Self::Name,
                Self::Age,
                Self::Size,
                Self::State,
                Self::Order,
                Self::Who,
            ],
        }
    }

    /// What it means on a screen, for its menu.
    #[must_use]
    pub const fn words(self, screen: Screen) -> &'static str {
        match (self, screen) {
            (Self::Server, Screen::Assets | Screen::Watch) => "as the server sends them",
            (Self::Server, Screen::Pending) => "as usual: open first, then ended",
            (Self::Server, Screen::Jobs) => "as usual: under way first",
            (Self::Server, Screen::Activity) => "as usual: newest first",
            (Self::Name, Screen::Assets | Screen::Watch) => "public ID",
            (Self::Name, _) => "assets",
            (Self::Age, Screen::Assets | Screen::Watch) => "age of the version",
            (Self::Age, _) => "age, newest first",
            (Self::Size, Screen::Assets | Screen::Watch) => "size",
            (Self::Size, Screen::Pending) => "number of cells, most first",
            (Self::Size, _) => "number of calls, most first",
            (Self::Kind, _) => "type and format",
            (Self::Pending, _) => "pending first",
            (Self::State, _) => "state: what needs somebody first",
            (Self::Order, _) => "order",
            (Self::Done, _) => "how far, least first",
            (Self::Who, _) => "who",
        }
    }

    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Server => "server order",
            Self::Name => "name",
            Self::Age => "age",
            Self::Size => "size",
            Self::Kind => "format",
            Self::Pending => "pending",
            Self::State => "state",
            Self::Order => "order",
            Self::Done => "done",
            Self::Who => "who",
        }
    }
}

/// Ways to copy what the cursor is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CopyAs {
    /// Public ID, or the ID of an operation or invalidation.
    Id,
    Url,
    /// The URL with the version that is stored now.
    VersionedUrl,
    /// A line that asks a cache what it says of its copy.
    Curl,
    Json,
    /// The equivalent command line.
    Command,
    /// What to ask the service's support for: URLs that no invalidation reaches.
    ServiceRequest,
}

/// One thing the operator asked for, by key, by `:` or from the help screen.
#[derive(Debug, Clone, PartialEq)]
pub enum Action {
    Quit,
    /// Ctrl-C: leaves what is open; twice quits.
    Interrupt,
    Suspend,
    Redraw,
    Help,
    /// What the console did last, and what it concluded about the terminal.
    Debug,
    CommandLine,
    /// Leaves the innermost thing that is open.
    Back,
    /// Copies what the cursor is on through the terminal.
    Copy,
    /// One key a way.
    CopyMenu,
    CopyAs(CopyAs),
    /// Opens a list to pick from.
    Pick(PickerKind),
    Profile(String),
    Go(Screen),
    NextScreen,
    PreviousScreen,
    Move(Motion),
    Left,
    Right,
    /// Opens what the cursor is on; never changes the world.
    Enter,
    Theme(String),
    /// Takes the mouse, or leaves it to the terminal.
    Mouse,
    /// Runs a command of the operator's own, by its place among them.
    Own(usize),
    /// What is live stands still, or goes on.
    Pause,
    /// Takes no orders until it is unlocked.
    Lock,
    /// By the typed name of the cloud; without one it is asked for, or where it is open it is locked.
    Unlock(Option<String>),
    /// Lands on the asset of a delivery URL or public ID.
    Open(String),
    // Assets
    Mark,
    MarkRange,
    MarkMatches,
    MarkInvert,
    Unmark,
    /// Opens the filter field, or sets the filter.
    Filter(Option<String>),
    SortMenu,
    Sort(SortBy),
    Refresh,
    More,
    /// Reads page after page until the list ends.
    LoadAll,
    NextKind,
    NextDetails,
    PreviousDetails,
    Details(DetailsTab),
    /// One look at the URL under the cursor, from every place.
    Look,
    /// What the cache under the cursor serves now beside what storage holds.
    Compare,
    /// Draws pictures, or no longer.
    Pictures,
    List(ListQuery),
    /// Opens the dialog of an order; nothing is sent before its plan is confirmed.
    Order(Box<Wish>),
    // dialogs and fields
    Submit,
    Confirm,
    ToggleOverwrite,
    ToggleInvalidate,
    /// Names the URLs that an order does not reach to the cloud one by one, or not.
    ToggleByUrl,
    NextConfidence,
    /// Writes the names of a plan to a file, for the command line.
    SavePlan,
    CancelJob,
    Complete,
    // Jobs
    /// Pauses the job under the cursor, or lets it go on.
    PauseJob,
    /// Asks, then cancels the job under the cursor for good.
    DropJob,
    /// Opens the dialog for what the job under the cursor did not get done.
    RetryJob,
    // Activity
    /// Opens the dialog of the order that undoes the one under the cursor.
    Undo,
    /// All jobs of the profile send nothing more for now.
    HoldAll,
    ResumeAll,
    // Pending and Watch
    /// What the Pending screen lists: the next choice, or this one.
    PendingShow(Option<Show>),
    /// The newest watch, or this one.
    Watch(Option<InvalidationId>),
    /// By the beginning of its ID.
    WatchById(String),
    NextWatch,
    PreviousWatch,
    NextTab,
    PreviousTab,
    WatchTab(Tab),
    /// Writes the story of an invalidation to a file.
    Report,
    /// Asks, then gives the watch up.
    Abandon,
    /// Asks, then leaves the place under the cursor out.
    Exclude,
    /// Asks, then sends the invalidation again.
    PurgeAgain,
}
