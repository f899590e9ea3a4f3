//! The one table of commands: dispatch, footer, help, palette, README and the names in `config.toml` come from it.

use std::collections::BTreeSet;

use self::arguments::{
    assets, delete, filter, folder, open, prefix, profile, purge, rename, replace, restore, search,
    sort, tag, theme, unlock, watch,
};
use super::action::{Action, CopyAs, Motion, Screen, SortBy};
use crate::domain::asset::{AssetKey, DeliveryType, ResourceType};
use crate::screens::assets::DetailsTab;
use crate::screens::pending::Show;
use crate::screens::watch::Tab;

mod arguments;
mod scope;
#[cfg(test)]
mod tests;

pub use arguments::words;
pub use scope::Scope;

/// What the commands may refer to without naming it.
#[derive(Debug, Clone)]
pub struct Context<'a> {
    /// The asset under the cursor, or whose details have the keys.
    pub cursor: Option<AssetKey>,
    pub marked: &'a BTreeSet<AssetKey>,
    /// Types of the listing on screen: prefixes are taken within them.
    pub resource_type: ResourceType,
    pub delivery_type: DeliveryType,
}

/// Words typed after a command that it cannot take.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct BadArgument {
    pub message: String,
}

/// What can be completed after a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Takes {
    Nothing,
    Assets,
    Theme,
    Profile,
    Folder,
    Tag,
    Watch,
    Sort,
    Kind,
    Text(&'static str),
}

impl Takes {
    /// The argument as the usage names it.
    #[must_use]
    pub const fn usage(self) -> &'static str {
        match self {
            Self::Nothing => "",
            Self::Assets => "<ID|URL>",
            Self::Theme | Self::Profile => "[name]",
            Self::Folder => "[folder]",
            Self::Tag => "<tag>",
            Self::Watch => "[ID|URL]",
            Self::Sort => "<column>",
            Self::Kind => "[image|video|raw]",
            Self::Text(usage) => usage,
        }
    }
}

/// How a command becomes an action.
#[derive(Debug, Clone)]
pub enum Run {
    /// Takes no argument.
    Plain(Action),
    /// One of the operator's own, by its place among them.
    Own { at: usize, changes: bool },
    /// From the words typed after it, or from the selection.
    With(fn(&Context<'_>, &str) -> Result<Action, BadArgument>),
}

/// One row: all that dispatch, footer, help, palette and configuration need.
#[derive(Debug, Clone)]
pub struct Command {
    /// The name in `config.toml`: `"watch.abandon" = ["ctrl-x"]`.
    pub id: &'static str,
    pub scope: Scope,
    pub keys: &'static [&'static str],
    /// Names after `:`, the same as on the command line where it has them.
    pub verbs: &'static [&'static str],
    pub takes: Takes,
    pub run: Run,
    /// Rank and word in the footer; rank 0 is not shown there.
    pub hint: (u8, &'static str),
    pub help: &'static str,
}

impl Command {
    /// The action for `args`, which are empty for a key.
    ///
    /// # Errors
    /// Words where none are taken, missing ones, or no asset to refer to.
    pub fn action(&self, context: &Context<'_>, args: &str) -> Result<Action, BadArgument> {
        match &self.run {
            Run::Plain(action) if args.trim().is_empty() => Ok(action.clone()),
            Run::Own { at, .. } if args.trim().is_empty() => Ok(Action::Own(*at)),
            Run::Plain(_) | Run::Own { .. } => {
                let message = format!("`{}` takes nothing after it", self.name());
                Err(BadArgument { message })
            }
            Run::With(parse) => parse(context, args.trim()),
        }
    }

    /// Its verb, else its id.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.verbs.first().copied().unwrap_or(self.id)
    }

    /// Whether it leads to a change in the cloud, or somewhere else (by way of its dialog).
    #[must_use]
    pub fn changes_the_world(&self) -> bool {
        self.id.starts_with("order.") || matches!(self.run, Run::Own { changes: true, .. })
    }
}

const NONE: (u8, &str) = (0, "");
const PLAIN: Takes = Takes::Nothing;

/// A row without arguments: id, scope, keys, verbs, action, hint, help.
macro_rules! plain {
    ($id:literal, $scope:ident, $keys:expr, $verbs:expr, $action:expr, $hint:expr, $help:literal) => {
        Command {
            id: $id,
            scope: Scope::$scope,
            keys: &$keys,
            verbs: &$verbs,
            takes: PLAIN,
            run: Run::Plain($action),
            hint: $hint,
            help: $help,
        }
    };
}

/// A row with arguments: id, scope, keys, verbs, what it takes, parser, hint, help.
macro_rules! with {
    ($id:literal, $scope:ident, $keys:expr, $verbs:expr, $takes:expr, $parse:expr, $hint:expr, $help:literal) => {
        Command {
            id: $id,
            scope: Scope::$scope,
            keys: &$keys,
            verbs: &$verbs,
            takes: $takes,
            run: Run::With($parse),
            hint: $hint,
            help: $help,
        }
    };
}

#[rustfmt::skip]
pub const COMMANDS: &[Command] = &[
    // every screen
    plain!("app.help",          Anywhere, ["?", "f1"], ["help"], Action::Help, (90, "help"), "keys of this screen and all commands; type to search, enter runs"),
    plain!("app.debug",         Anywhere, ["f12"], ["debug", "about"], Action::Debug, NONE, "version, terminal, last requests with their times, cost of frames"),
    plain!("app.command",       Anywhere, [":"], [], Action::CommandLine, (91, "command"), "type a command, with completion"),
    plain!("app.quit",          Anywhere, ["q"], ["quit", "q"], Action::Quit, (92, "quit"), "leave; asks while calls are under way; watches go on at the next start"),
    plain!("app.back",          Anywhere, ["esc"], ["back"], Action::Back, NONE, "leave what is open"),
    plain!("app.open-row",      Anywhere, ["enter"], [], Action::Enter, (10, "open"), "open what the cursor is on; never changes anything"),
    with! ("app.open",          Anywhere, [], ["open"], Takes::Assets, open, NONE, "land on the asset of a delivery URL or public ID; pasting a URL does the same"),
    plain!("app.copy",          Anywhere, ["y"], ["copy"], Action::Copy, NONE, "copy the public ID, URL or command line under the cursor through the terminal"),
    plain!("app.copy-menu",     Anywhere, ["Y"], [], Action::CopyMenu, (22, "copy"), "copy menu: ID, URL, versioned URL, line for curl, JSON, command line, service request"),
    plain!("go.next",           Anywhere, ["tab"], [], Action::NextScreen, NONE, "next screen"),
    plain!("go.previous",       Anywhere, ["shift-tab"], [], Action::PreviousScreen, NONE, "previous screen"),
    plain!("go.assets",         Anywhere, ["a"], [], Action::Go(Screen::Assets), NONE, "the Assets screen"),
    plain!("go.pending",        Anywhere, ["p"], ["pending"], Action::Go(Screen::Pending), (41, "pending"), "the Pending screen: every invalidation that is not clear yet, and history"),
    plain!("go.jobs",           Anywhere, ["J"], ["jobs"], Action::Go(Screen::Jobs), NONE, "the Jobs screen: every order with calls to make, whoever gave it"),
    plain!("jobs.hold-all",     Anywhere, ["S"], ["hold"], Action::HoldAll, NONE, "hold all jobs of this profile at once: nothing more is sent until they are let go on"),
    plain!("go.activity",       Anywhere, ["A"], ["activity"], Action::Go(Screen::Activity), NONE, "the Activity screen: who ordered what, when, and how it ended"),
    with! ("go.watch",          Anywhere, ["w"], ["watch"], Takes::Watch, watch, (40, "watch"), "the newest watch; with an ID that one, with a URL a new one that changes nothing"),
    plain!("move.down",         Anywhere, ["j", "down"], [], Action::Move(Motion::Lines(1)), NONE, "one line down"),
    plain!("move.up",           Anywhere, ["k", "up"], [], Action::Move(Motion::Lines(-1)), NONE, "one line up"),
    plain!("move.left",         Anywhere, ["h", "left"], [], Action::Left, NONE, "left, or back to the list"),
    plain!("move.right",        Anywhere, ["l", "right"], [], Action::Right, NONE, "right, or into the details"),
    plain!("move.page-down",    Anywhere, ["pagedown"], [], Action::Move(Motion::Pages(1)), NONE, "one page down"),
    plain!("move.page-up",      Anywhere, ["pageup"], [], Action::Move(Motion::Pages(-1)), NONE, "one page up"),
    plain!("move.half-down",    Anywhere, ["ctrl-d"], [], Action::Move(Motion::HalfPages(1)), NONE, "half a page down"),
    plain!("move.half-up",      Anywhere, ["ctrl-u"], [], Action::Move(Motion::HalfPages(-1)), NONE, "half a page up"),
    plain!("move.top",          Anywhere, ["g", "home"], [], Action::Move(Motion::Top), NONE, "to the top"),
    plain!("move.bottom",       Anywhere, ["G", "end"], [], Action::Move(Motion::Bottom), NONE, "to the bottom"),
    with! ("app.theme",         Anywhere, ["T"], ["theme"], Takes::Theme, theme, NONE, "change the colours; without a name a list that shows each"),
    with! ("app.profile",       Anywhere, ["ctrl-p"], ["profile"], Takes::Profile, profile, NONE, "another profile; without a name a list of all"),
    plain!("app.pause",         Anywhere, ["z"], ["pause"], Action::Pause, NONE, "hold what is live still to read it, and let it go on; watches, orders and news go on meanwhile"),
    plain!("app.mouse",         Anywhere, [], ["mouse"], Action::Mouse, NONE, "use the mouse or leave it to the terminal; while it is used, shift selects text"),
    with! ("app.unlock",         Anywhere, ["L"], ["unlock"], Takes::Text("<cloud name>"), unlock, NONE, "unlock this profile for 15 minutes, by the name of its cloud; the key locks what is open"),
    plain!("app.lock",           Anywhere, [], ["lock"], Action::Lock, NONE, "lock it: orders are planned, not sent"),
    // Assets
    plain!("assets.mark",       Assets, ["space"], [], Action::Mark, (20, "mark"), "mark or unmark this asset; marks survive filter, sort and refresh"),
    plain!("assets.range",      Assets, ["v"], [], Action::MarkRange, (38, "range"), "begin a range; again, or space, marks up to the cursor"),
    plain!("assets.mark-all",   Assets, ["*"], [], Action::MarkMatches, NONE, "mark all that match the filter"),
    plain!("assets.invert",     Assets, ["i"], [], Action::MarkInvert, NONE, "invert the marks of all that match"),
    plain!("assets.unmark",     Assets, ["c"], ["unmark"], Action::Unmark, NONE, "clear all marks"),
    with! ("assets.filter",     Assets, ["/"], ["filter"], Takes::Text("[text]"), filter, (22, "filter"), "filter as you type: all words must be there, `!` in front inverts, `'` takes the rest exactly, `~` letters in their order; enter asks the server where it has more"),
    with! ("assets.sort",       Assets, ["s"], ["sort"], Takes::Sort, sort, (35, "sort"), "sort menu; the same key again reverses"),
    plain!("assets.refresh",    Assets, ["R", "ctrl-r"], ["refresh"], Action::Refresh, (36, "refresh"), "read the list again"),
    plain!("assets.more",       Assets, ["n"], ["more"], Action::More, NONE, "load the next page"),
    plain!("assets.all",        Assets, ["N"], ["all"], Action::LoadAll, NONE, "load all pages; esc or a low quota stops"),
    plain!("assets.kind",       Assets, ["t"], [], Action::NextKind, NONE, "next resource type: image, video, raw"),
    with! ("assets.list",       Assets, [], ["assets"], Takes::Kind, assets, NONE, "list all of one resource type"),
    with! ("assets.prefix",     Assets, [], ["prefix"], Takes::Text("<prefix>"), prefix, NONE, "list what begins with a prefix, on the server"),
    with! ("assets.folder",     Assets, ["f"], ["folder"], Takes::Folder, folder, (39, "folder"), "another folder; without a name the tree of those on the server and of what is loaded"),
    with! ("assets.tag",        Assets, [], ["tag"], Takes::Tag, tag, NONE, "list what has a tag, on the server"),
    with! ("assets.search",     Assets, [], ["search"], Takes::Text("<expression>"), search, NONE, "search expression, on the server; the index lags by seconds"),
    with! ("order.rename",      Assets, ["r"], ["rename"], Takes::Assets, rename, (30, "rename"), "rename this asset (shows a plan, asks)"),
    with! ("order.replace",     Assets, ["u"], ["replace"], Takes::Assets, replace, (34, "replace"), "upload a new file under this public ID (shows a plan, asks)"),
    with! ("order.purge",       Assets, ["P"], ["purge"], Takes::Assets, purge, (31, "purge"), "purge the caches and keep the assets: marked ones, else this one (shows a plan, asks)"),
    with! ("order.restore",     Assets, [], ["restore"], Takes::Assets, restore, NONE, "bring back deleted assets from their backups (shows a plan, asks)"),
    with! ("order.delete",      Assets, ["d"], ["rm", "delete"], Takes::Assets, delete, (32, "delete"), "delete and purge: marked assets, else this one (shows a plan, asks)"),
    plain!("details.tab",       Details, ["]"], [], Action::NextDetails, (11, "more"), "next: URLs, derived, history, headers, picture"),
    plain!("details.tab-back",  Details, ["["], [], Action::PreviousDetails, NONE, "the one before"),
    plain!("details.urls",      Details, ["1"], [], Action::Details(DetailsTab::Urls), NONE, "delivery URLs and whether a purge reaches them"),
    plain!("details.derived",   Details, ["2"], [], Action::Details(DetailsTab::Derived), NONE, "derived assets and versions that are backed up"),
    plain!("details.history",   Details, ["3"], [], Action::Details(DetailsTab::History), NONE, "what was done to this asset, by whom"),
    plain!("details.headers",   Details, ["4"], [], Action::Details(DetailsTab::Headers), NONE, "headers of a look from every place"),
    plain!("details.picture",   Details, ["5"], [], Action::Details(DetailsTab::Picture), NONE, "the picture, as one cache delivers it"),
    plain!("details.pictures",  Details, ["I"], ["pictures"], Action::Pictures, NONE, "draw pictures, or do not; `pictures` in the configuration says how"),
    plain!("details.look",      Details, ["o"], [], Action::Look, (12, "look"), "ask every place for the URL under the cursor, once; changes nothing"),
    // Pending, Watch and Activity
    plain!("pending.show",      Pending, ["H"], [], Action::PendingShow(None), (22, "history"), "what is listed: everything, what is pending, history"),
    with! ("pending.filter",    Pending, ["/"], [], Takes::Text("[text]"), filter, (42, "filter"), "filter as you type, by order, assets, state, who, note"),
    with! ("pending.sort",      Pending, ["s"], [], Takes::Sort, sort, (93, "sort"), "sort menu; the same key again reverses"),
    plain!("pending.refresh",   Pending, ["R", "ctrl-r"], [], Action::Go(Screen::Pending), NONE, "read the journal again"),
    plain!("pending.history",   Pending, [], ["history"], Action::PendingShow(Some(Show::Ended)), NONE, "what has ended"),
    plain!("jobs.pause",        Jobs, ["space"], [], Action::PauseJob, (20, "pause or go on"), "pause this job, or let it go on"),
    plain!("jobs.cancel",       Jobs, ["x"], [], Action::DropJob, (21, "cancel"), "cancel this job for good (asks)"),
    plain!("jobs.retry",        Jobs, ["r"], [], Action::RetryJob, (22, "retry failed"), "try again what was not done: shows a plan, asks"),
    plain!("jobs.resume-all",   Jobs, ["O"], ["resume-all"], Action::ResumeAll, (23, "all go on"), "let all jobs that are held go on"),
    with! ("jobs.filter",       Jobs, ["/"], [], Takes::Text("[text]"), filter, (42, "filter"), "filter as you type, by order, assets, state, who"),
    with! ("jobs.sort",         Jobs, ["s"], [], Takes::Sort, sort, (93, "sort"), "sort menu; the same key again reverses"),
    plain!("jobs.refresh",      Jobs, ["R", "ctrl-r"], [], Action::Go(Screen::Jobs), NONE, "read the journal again"),
    plain!("order.undo",        Activity, ["u"], ["undo"], Action::Undo, (21, "undo"), "undo this order where that can be: restore what was deleted, rename back (shows a plan, asks)"),
    with! ("activity.filter",   Activity, ["/"], [], Takes::Text("[text]"), filter, (22, "filter"), "filter as you type, by who, order, assets, outcome, note"),
    with! ("activity.sort",     Activity, ["s"], [], Takes::Sort, sort, (93, "sort"), "sort menu; the same key again reverses"),
    plain!("activity.refresh",  Activity, ["R", "ctrl-r"], [], Action::Go(Screen::Activity), (36, "refresh"), "read the journal again"),
    plain!("pending.abandon",   Pending, ["x"], ["abandon"], Action::Abandon, (20, "give up"), "give this watch up (asks)"),
    plain!("pending.report",    Pending, ["r"], [], Action::Report, (27, "report"), "write the story of this invalidation to a file in the current folder"),
    plain!("watch.tab",         Watch, ["]", "v"], [], Action::NextTab, (20, "view"), "next view: matrix, map, curve, timeline, not covered"),
    plain!("watch.tab-back",    Watch, ["["], [], Action::PreviousTab, NONE, "previous view"),
    plain!("watch.matrix",      Watch, ["1"], [], Action::WatchTab(Tab::Matrix), NONE, "places by URLs"),
    plain!("watch.map",         Watch, ["2", "m"], ["map"], Action::WatchTab(Tab::Map), (21, "map"), "the world, with its list of places"),
    plain!("watch.curve",       Watch, ["3"], ["curve"], Action::WatchTab(Tab::Curve), NONE, "cells clear over time, and when each place let go"),
    plain!("watch.timeline",    Watch, ["4"], ["timeline"], Action::WatchTab(Tab::Timeline), NONE, "what happened"),
    plain!("watch.not-covered", Watch, ["5"], [], Action::WatchTab(Tab::NotCovered), NONE, "URLs that the invalidation does not reach, and what to do"),
    plain!("watch.compare",     Watch, ["o"], ["compare"], Action::Compare, NONE, "the picture that this cache serves now, beside what storage holds"),
    plain!("watch.next",        Watch, ["n"], [], Action::NextWatch, (28, "next watch"), "next watch"),
    plain!("watch.previous",    Watch, ["N"], [], Action::PreviousWatch, NONE, "previous watch"),
    plain!("watch.exclude",     Watch, ["e"], [], Action::Exclude, (25, "leave out"), "leave the place under the cursor out; it is named in the result (asks)"),
    plain!("watch.again",       Watch, ["P"], [], Action::PurgeAgain, (24, "purge again"), "send the invalidation again (asks)"),
    plain!("watch.abandon",     Watch, ["x"], [], Action::Abandon, (26, "give up"), "give this watch up (asks)"),
    plain!("watch.report",      Watch, ["r"], ["report"], Action::Report, (22, "report"), "write the story of this invalidation to a file in the current folder"),
    // fields, menus and dialogs
    plain!("filter.accept",     Filter, ["enter"], [], Action::Submit, (10, "keep or ask server"), "keep the filter; asks the server where it has more"),
    plain!("filter.leave",      Filter, ["esc"], [], Action::Back, (11, "drop"), "drop the filter"),
    plain!("filter.down",       Filter, ["down"], [], Action::Move(Motion::Lines(1)), NONE, "one line down"),
    plain!("filter.up",         Filter, ["up"], [], Action::Move(Motion::Lines(-1)), NONE, "one line up"),
    plain!("command.run",       CommandLine, ["enter"], [], Action::Submit, (10, "run"), "run the command"),
    plain!("command.complete",  CommandLine, ["tab"], [], Action::Complete, (11, "complete"), "take the completion"),
    plain!("command.down",      CommandLine, ["down"], [], Action::Move(Motion::Lines(1)), NONE, "next completion, or later in history"),
    plain!("command.up",        CommandLine, ["up"], [], Action::Move(Motion::Lines(-1)), NONE, "previous completion, or earlier in history"),
    plain!("command.leave",     CommandLine, ["esc"], [], Action::Back, (12, "leave"), "leave the command line"),
    plain!("help.run",          Help, ["enter"], [], Action::Submit, (10, "run"), "run the command under the cursor"),
    plain!("help.down",         Help, ["down"], [], Action::Move(Motion::Lines(1)), NONE, "one line down"),
    plain!("help.up",           Help, ["up"], [], Action::Move(Motion::Lines(-1)), NONE, "one line up"),
    plain!("help.page-down",    Help, ["pagedown"], [], Action::Move(Motion::Pages(1)), NONE, "one page down"),
    plain!("help.page-up",      Help, ["pageup"], [], Action::Move(Motion::Pages(-1)), NONE, "one page up"),
    plain!("help.leave",        Help, ["esc", "f1"], [], Action::Back, (11, "close"), "close the help"),
    plain!("sort.server",       SortMenu, ["o"], [], Action::Sort(SortBy::Server), NONE, "as the server or the journal sends them"),
    plain!("sort.name",         SortMenu, ["n"], [], Action::Sort(SortBy::Name), NONE, "public ID, or names of assets"),
    plain!("sort.age",          SortMenu, ["a"], [], Action::Sort(SortBy::Age), NONE, "age, newest first"),
    plain!("sort.size",         SortMenu, ["z"], [], Action::Sort(SortBy::Size), NONE, "size, or number of cells or calls"),
    plain!("sort.kind",         SortMenu, ["t"], [], Action::Sort(SortBy::Kind), NONE, "type and format"),
    plain!("sort.pending",      SortMenu, ["p"], [], Action::Sort(SortBy::Pending), NONE, "pending first"),
    plain!("sort.state",        SortMenu, ["e"], [], Action::Sort(SortBy::State), NONE, "state: what needs somebody first"),
    plain!("sort.order",        SortMenu, ["r"], [], Action::Sort(SortBy::Order), NONE, "order: rename, delete, purge"),
    plain!("sort.done",         SortMenu, ["d"], [], Action::Sort(SortBy::Done), NONE, "how far it is, least first"),
    plain!("sort.who",          SortMenu, ["w"], [], Action::Sort(SortBy::Who), NONE, "who ordered it"),
    plain!("sort.leave",        SortMenu, ["esc", "s", "q"], [], Action::Back, (10, "close"), "close the menu"),
    plain!("dialog.close",      Dialog, ["esc"], [], Action::Back, (12, "close"), "leave the dialog; nothing is sent"),
    plain!("dialog.down",       Dialog, ["down"], [], Action::Move(Motion::Lines(1)), NONE, "scroll down"),
    plain!("dialog.up",         Dialog, ["up"], [], Action::Move(Motion::Lines(-1)), NONE, "scroll up"),
    plain!("dialog.page-down",  Dialog, ["pagedown"], [], Action::Move(Motion::Pages(1)), NONE, "one page down"),
    plain!("dialog.page-up",    Dialog, ["pageup"], [], Action::Move(Motion::Pages(-1)), NONE, "one page up"),
    plain!("form.submit",       Form, ["enter"], [], Action::Submit, (10, "show the plan"), "show the plan; nothing is sent yet"),
    plain!("form.overwrite",    Form, ["ctrl-o"], [], Action::ToggleOverwrite, NONE, "overwrite the target or not"),
    plain!("plan.confirm",      Plan, ["y"], [], Action::Confirm, (10, "yes, do it"), "confirm and send"),
    plain!("plan.refuse",       Plan, ["n", "q"], [], Action::Back, NONE, "leave the dialog; nothing is sent"),
    plain!("plan.invalidate",   Plan, ["f2"], [], Action::ToggleInvalidate, NONE, "invalidate caches or not"),
    plain!("plan.by-url",       Plan, ["f4"], [], Action::ToggleByUrl, (14, "name unreached URLs too"), "name the URLs that are not reached to the cloud one by one, or not"),
    plain!("plan.confidence",   Plan, ["f3"], [], Action::NextConfidence, NONE, "how much proof: quick, normal, strict"),
    plain!("plan.save",         Plan, ["f5"], [], Action::SavePlan, (13, "save for the command line"), "write the names to a file that the command line takes; nothing is sent"),
    plain!("word.confirm",      PlanWord, ["enter"], [], Action::Confirm, (10, "confirm the typed word"), "confirm the typed word and send"),
    plain!("word.by-url",       PlanWord, ["f4"], [], Action::ToggleByUrl, (14, "name unreached URLs too"), "name the URLs that are not reached to the cloud one by one, or not"),
    plain!("word.invalidate",   PlanWord, ["f2"], [], Action::ToggleInvalidate, NONE, "invalidate caches or not"),
    plain!("word.confidence",   PlanWord, ["f3"], [], Action::NextConfidence, NONE, "how much proof: quick, normal, strict"),
    plain!("word.save",         PlanWord, ["f5"], [], Action::SavePlan, (13, "save for the command line"), "write the names to a file that the command line takes; nothing is sent"),
    plain!("running.cancel",    Running, ["x"], [], Action::CancelJob, (10, "stop"), "finish the calls in flight and skip the rest"),
    plain!("running.watch",     Running, ["enter"], [], Action::Submit, NONE, "to the watch, once it has begun"),
    plain!("ask.yes",           Ask, ["y"], [], Action::Confirm, (10, "yes"), "yes"),
    plain!("ask.no",            Ask, ["n", "q"], [], Action::Back, (11, "no"), "no"),
    plain!("evidence.down",     Evidence, ["j", "down"], [], Action::Move(Motion::Lines(1)), NONE, "one line down"),
    plain!("evidence.up",       Evidence, ["k", "up"], [], Action::Move(Motion::Lines(-1)), NONE, "one line up"),
    plain!("evidence.page-down", Evidence, ["pagedown", "space"], [], Action::Move(Motion::Pages(1)), NONE, "one page down"),
    plain!("evidence.page-up",  Evidence, ["pageup"], [], Action::Move(Motion::Pages(-1)), NONE, "one page up"),
    plain!("evidence.copy",     Evidence, ["y"], [], Action::Copy, NONE, "copy the URL"),
    plain!("evidence.close",    Evidence, ["esc", "q", "enter"], [], Action::Back, (10, "close"), "close the evidence"),
    plain!("picker.take",       Picker, ["enter"], [], Action::Submit, (10, "take"), "take the one under the cursor"),
    plain!("picker.down",       Picker, ["down", "tab"], [], Action::Move(Motion::Lines(1)), NONE, "one line down"),
    plain!("picker.up",         Picker, ["up", "shift-tab"], [], Action::Move(Motion::Lines(-1)), NONE, "one line up"),
    plain!("picker.page-down",  Picker, ["pagedown"], [], Action::Move(Motion::Pages(1)), NONE, "one page down"),
    plain!("picker.page-up",    Picker, ["pageup"], [], Action::Move(Motion::Pages(-1)), NONE, "one page up"),
    plain!("picker.open",       Picker, ["right"], [], Action::Right, NONE, "show what is in this folder"),
    plain!("picker.close",      Picker, ["left"], [], Action::Left, NONE, "close this folder, or go to the one it is in"),
    plain!("picker.leave",      Picker, ["esc"], [], Action::Back, (11, "leave"), "leave; what was before stays"),
    plain!("copy.id",           CopyMenu, ["i"], [], Action::CopyAs(CopyAs::Id), NONE, "ID"),
    plain!("copy.url",          CopyMenu, ["u"], [], Action::CopyAs(CopyAs::Url), NONE, "URL"),
    plain!("copy.versioned",    CopyMenu, ["v"], [], Action::CopyAs(CopyAs::VersionedUrl), NONE, "versioned URL"),
    plain!("copy.curl",         CopyMenu, ["c"], [], Action::CopyAs(CopyAs::Curl), NONE, "line for curl"),
    plain!("copy.json",         CopyMenu, ["j"], [], Action::CopyAs(CopyAs::Json), NONE, "JSON"),
    plain!("copy.command",      CopyMenu, ["l"], [], Action::CopyAs(CopyAs::Command), NONE, "command line"),
    plain!("copy.request",      CopyMenu, ["s"], [], Action::CopyAs(CopyAs::ServiceRequest), NONE, "service request"),
    plain!("copy.leave",        CopyMenu, ["esc", "q", "Y"], [], Action::Back, (10, "close"), "close the menu"),
    plain!("debug.close",       Debug, ["esc", "q", "f12", "enter"], [], Action::Back, (10, "close"), "close the overlay"),
    // always
    plain!("app.interrupt",     Always, ["ctrl-c"], [], Action::Interrupt, NONE, "leave what is open; twice quits"),
    plain!("app.suspend",       Always, ["ctrl-z"], [], Action::Suspend, NONE, "suspend to the shell"),
    plain!("app.redraw",        Always, ["ctrl-l"], [], Action::Redraw, NONE, "draw everything again"),
];
