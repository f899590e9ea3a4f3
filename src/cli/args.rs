//! What was typed: the clap types and nothing else. What is meant is settled in `resolve.rs` and `connect.rs`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{ArgAction, ArgGroup, Parser, Subcommand, ValueEnum};

use secrecy::SecretString;

use super::jobs::{Jobs, RetryFailed};
use super::journal::Journal;
use super::track::Track;
use super::{completions, values};
use crate::adapters::places::PinnedEdge;
use crate::domain::account::InvalidationKind;
use crate::domain::asset::{DeliveryType, ResourceType};
use crate::domain::confidence::Confidence;
use crate::domain::time::Timestamp;
use crate::domain::verdict::Expectation;
use crate::local_cloud::Propagation;

/// Rename, delete and purge media, then watch every CDN cache let go, with proof.
///
/// Without a command the console opens. Data goes to standard output, words to standard error.
/// CLOUDINARY_URL (with upload_prefix) is enough of a configuration.
#[derive(Debug, Parser)]
#[command(name = "allclear", version, disable_help_subcommand = true)]
pub struct Args {
    #[command(flatten)]
    pub globals: Globals,
    #[command(subcommand)]
    pub command: Option<Command>,
}

/// Options of every command.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Global options")]
pub struct Globals {
    /// Profile of the configuration file to use
    #[arg(long, global = true, value_name = "NAME", add = completions::profiles())]
    pub profile: Option<String>,
    /// Configuration file instead of the one in the configuration folder
    #[arg(long, global = true, value_name = "FILE", hide_short_help = true)]
    pub config: Option<PathBuf>,
    /// Journal: a file, a sqlite: or a postgres: URL
    #[arg(long, global = true, value_name = "URL", hide_short_help = true)]
    pub journal: Option<SecretString>,
    /// How this account invalidates
    #[arg(long, global = true, value_name = "KIND", value_parser = values::invalidation(), hide_short_help = true)]
    pub invalidation: Option<InvalidationKind>,
    /// Refuse everything that changes the cloud
    #[arg(long, global = true)]
    pub read_only: bool,
    /// Write JSON: one object, or JSON Lines where something is waited for
    #[arg(long, global = true)]
    pub json: bool,
    /// No progress and no remarks on standard error; errors are still written
    #[arg(long, short, global = true)]
    pub quiet: bool,
    /// Never ask: fail and name the flag that was missing
    #[arg(long, global = true)]
    pub no_input: bool,
    /// Theme of the console: `allclear themes list`
    #[arg(long, global = true, value_name = "NAME", hide_short_help = true, add = completions::themes())]
    pub theme: Option<String>,
    /// No colours (also NO_COLOR)
    #[arg(long, global = true, hide_short_help = true)]
    pub no_color: bool,
    /// ASCII instead of special characters
    #[arg(long, global = true, hide_short_help = true)]
    pub ascii: bool,
    /// Console: use the mouse
    #[arg(long, global = true, hide_short_help = true)]
    pub mouse: bool,
    /// Console line by line, without redraws: for screen readers and plain terminals (also ACCESSIBLE=1)
    #[arg(long, global = true, hide_short_help = true)]
    pub plain: bool,
    /// Console: ask the terminal nothing, not even whether it is light or dark
    #[arg(long, global = true, hide_short_help = true)]
    pub no_query: bool,
    /// More in the log file; twice for everything
    #[arg(long, short, global = true, action = ArgAction::Count, hide_short_help = true)]
    pub verbose: u8,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Try the console on a local cloud with warm edges; nothing to configure
    Demo(Demo),
    /// Run the local cloud alone: prints one JSON line when it is ready and serves until it is stopped
    Cloud(Cloud),
    /// List assets
    Ls(Ls),
    /// Show an asset, its derived copies and its delivery URLs with coverage
    Show(Show),
    /// Say what an invalidation would and would not reach, offline
    Explain(Explain),
    /// Rename an asset and wait until the old name is gone from every cache
    Rename(Rename),
    /// Delete assets and wait until they are gone from every cache
    Rm(Rm),
    /// Replace the file of an asset and wait until every cache serves the new one
    Replace(Replace),
    /// Purge the copies of assets and keep the assets
    Purge(Purge),
    /// Bring backed-up assets back, then purge what is cached under their names
    Restore(Restore),
    /// Look at any URL at every place, without changing anything
    Probe(Probe),
    /// Follow an invalidation, or watch any URL, until every cache is clear
    Watch(Watch),
    /// List what is not yet clear, whoever started it
    Pending(Pending),
    /// List what has ended, newest first
    History(Recent),
    /// List who ordered what and how it ended, newest first
    Activity(Recent),
    /// List orders and how far they are; pause, resume or cancel one, wherever it runs
    Jobs(Jobs),
    /// Order again what a job did not get done
    RetryFailed(RetryFailed),
    /// Track what is open without a screen, and go on with what was interrupted
    Track(Track),
    /// Tell the story of one invalidation, for the post-mortem
    Report(Report),
    /// Check, thin out or copy the journal
    Journal(Journal),
    /// Show where we can look from
    Places(Places),
    /// Find and check the configuration
    Config(Config),
    /// List the themes of the console
    Themes(Themes),
    /// Look at everything that could be in the way, and say what would mend it
    Doctor(Doctor),
    /// Write a completion script for a shell
    Completions(Completions),
    /// Write the man page, or all pages and completions into a folder
    Man(Man),
}

/// Which kind of asset a public ID means; a URL tells it by itself.
#[derive(Debug, Clone, Copy, Default, clap::Args)]
pub struct Kind {
    /// Kind of file
    #[arg(long, value_name = "RT", value_parser = values::resource_type())]
    pub resource_type: Option<ResourceType>,
    /// Delivery type: upload, private, authenticated, fetch, …
    #[arg(long = "type", value_name = "TYPE", value_parser = values::delivery_type(), hide_possible_values = true)]
    pub delivery_type: Option<DeliveryType>,
}

/// Which assets a bulk command is about: exactly one way of saying it.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(group = ArgGroup::new("selector").required(true).multiple(false))]
pub struct Selector {
    /// Public IDs or delivery URLs
    #[arg(value_name = "ID|URL", group = "selector")]
    pub targets: Vec<String>,
    /// All whose public ID begins with this; a folder ends with `/`
    #[arg(long, value_name = "P", group = "selector")]
    pub prefix: Option<String>,
    /// All with this tag
    #[arg(long, value_name = "T", group = "selector")]
    pub tag: Option<String>,
    /// All that the search index finds; it lags behind storage
    #[arg(long, value_name = "EXPR", group = "selector")]
    pub search: Option<String>,
    /// Public IDs or delivery URLs, one a line, from a file or (`-`) standard input
    #[arg(long, value_name = "FILE|-", group = "selector")]
    pub from: Option<PathBuf>,
    #[command(flatten)]
    pub kind: Kind,
}

/// What all commands that change the cloud share.
#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Carrying out and waiting")]
pub struct Change {
    /// Do not send an invalidation: caches keep what they have
    #[arg(long)]
    pub no_invalidate: bool,
    /// Show the plan and do nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Confirm; refused where a word must be typed
    #[arg(long, short)]
    pub yes: bool,
    /// Confirm with the word the plan names: the number of assets or the cloud name
    #[arg(long, value_name = "WORD")]
    pub confirm: Option<String>,
    /// Write what became of every asset to a new file: CSV where it ends in .csv, else JSON Lines
    #[arg(long, value_name = "FILE", hide_short_help = true)]
    pub results: Option<PathBuf>,
    /// A note for the journal, e.g. a ticket
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// How much proof
    #[arg(long, value_name = "LEVEL", value_parser = values::confidence())]
    pub confidence: Option<Confidence>,
    /// Refuse an order about more assets than this, whatever the profile says
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..), hide_short_help = true)]
    pub max_items: Option<u64>,
    /// Also name to the cloud, one by one, the URLs that the order does not reach: an attempt
    #[arg(long, conflicts_with = "no_invalidate", hide_short_help = true)]
    pub attempt_by_url: bool,
    /// Verify every cell, or a sample of them
    #[arg(long, value_enum, default_value_t, value_name = "WHICH")]
    pub verify: Verify,
    /// Wait at most this long for the outcome, e.g. 90s, 15m
    #[arg(
        long,
        value_name = "D",
        num_args = 0..=1,
        require_equals = true,
        default_value = "15m",
        default_missing_value = "15m",
        value_parser = values::duration
    )]
    pub wait: Duration,
    /// Return once the cloud has accepted; tracking is left to whichever process holds the lease next
    #[arg(long, conflicts_with = "wait")]
    pub no_wait: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Verify {
    #[default]
    Full,
    Sample,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum DeleteApi {
    Upload,
    Admin,
}

#[derive(Debug, clap::Args)]
pub struct Demo {
    #[command(flatten)]
    pub world: World,
}

#[derive(Debug, clap::Args)]
pub struct Cloud {
    /// Address of the API; port 0 takes a free one
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    pub listen: SocketAddr,
    /// Allow an address that others can reach; the local cloud protects nothing
    #[arg(long)]
    pub allow_remote: bool,
    #[arg(long, value_name = "NAME", default_value = "demo")]
    pub cloud_name: String,
    /// Made up when not given
    #[arg(long, value_name = "K")]
    pub api_key: Option<String>,
    /// Made up when not given; opens nothing but this cloud
    #[arg(long, value_name = "S")]
    pub api_secret: Option<SecretString>,
    /// Opens authenticated assets by a token in the query (`__cld_token__`); in hex
    #[arg(long, value_name = "HEX")]
    pub auth_token_key: Option<SecretString>,
    #[command(flatten)]
    pub world: World,
    /// Serve nothing under /_local but the list of edges
    #[arg(long)]
    pub no_control: bool,
}

/// What a local cloud is like. What is not said is as the scenario says, else as in brackets.
#[derive(Debug, Clone, clap::Args)]
pub struct World {
    /// Assets to start with; 0 starts empty [default: 300]
    #[arg(long, value_name = "N")]
    pub assets: Option<usize>,
    /// Edges, each a cache of its own on a port of its own [default: 8]
    #[arg(long, value_name = "N")]
    pub edges: Option<usize>,
    /// Nodes of each edge, each a cache of its own [default: 1]
    #[arg(long, value_name = "N")]
    pub nodes: Option<usize>,
    /// Shields between the edges and storage, each a cache of its own [default: 0]
    #[arg(long, value_name = "N")]
    pub shields: Option<usize>,
    /// Same seed and scenario, same behaviour [default: 1]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// How long an invalidation takes to reach an edge [default: 2s..20s]
    #[arg(long, value_name = "FROM..TO")]
    pub propagation: Option<Propagation>,
    /// How invalidations find copies [default: surrogate]
    #[arg(long, value_name = "KIND", value_parser = values::cloud_mode())]
    pub mode: Option<InvalidationKind>,
    /// Admin bulk deletes invalidate as well
    #[arg(long)]
    pub bulk_invalidation: bool,
    /// Keep backups of deleted and replaced assets
    #[arg(long)]
    pub backups: bool,
    /// Admin API calls an hour [default: 2000]
    #[arg(long, value_name = "N")]
    pub admin_quota: Option<u32>,
    /// How far the search index lags behind storage [default: 0s]
    #[arg(long, value_name = "D", value_parser = values::duration)]
    pub search_lag: Option<Duration>,
    /// Looks of viewers a second, over all edges [default: 4]
    #[arg(long, value_name = "RATE", value_parser = values::rate)]
    pub traffic: Option<f64>,
    /// A TOML file: what the cloud is like, what goes wrong in it, where and when; flags beat it
    #[arg(long, value_name = "FILE")]
    pub scenario: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("listed").multiple(false))]
pub struct Ls {
    /// Only those whose public ID begins with this
    #[arg(long, value_name = "P", group = "listed")]
    pub prefix: Option<String>,
    /// Only those with this tag
    #[arg(long, value_name = "T", group = "listed")]
    pub tag: Option<String>,
    /// What the search index finds; it lags behind storage
    #[arg(long, value_name = "EXPR", group = "listed")]
    pub search: Option<String>,
    #[command(flatten)]
    pub kind: Kind,
    /// At most so many; each 500 cost one Admin API call
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Columns to show, in this order
    #[arg(long, value_enum, value_delimiter = ',', value_name = "A,B,…")]
    pub columns: Vec<Column>,
    /// Rows only
    #[arg(long)]
    pub no_header: bool,
}

/// A column of `ls`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Column {
    Id,
    ResourceType,
    Type,
    Format,
    Version,
    Bytes,
    Dimensions,
    Created,
    Folder,
    Tags,
    Etag,
    AssetId,
    Url,
}

#[derive(Debug, clap::Args)]
pub struct Show {
    /// Public ID or delivery URL
    #[arg(value_name = "ID|URL")]
    pub target: String,
    #[command(flatten)]
    pub kind: Kind,
}

#[derive(Debug, clap::Args)]
pub struct Explain {
    /// Delivery URL
    #[arg(value_name = "URL")]
    pub url: String,
    /// How the account invalidates
    #[arg(long, value_name = "KIND", value_parser = values::invalidation())]
    pub mode: Option<InvalidationKind>,
}

#[derive(Debug, clap::Args)]
pub struct Rename {
    /// Public ID or delivery URL
    #[arg(value_name = "FROM")]
    pub from: String,
    /// New public ID
    #[arg(value_name = "TO")]
    pub to: String,
    /// Replace an asset that has the new name already
    #[arg(long)]
    pub overwrite: bool,
    /// New delivery type
    #[arg(long, value_name = "T", value_parser = values::delivery_type(), hide_possible_values = true)]
    pub to_type: Option<DeliveryType>,
    #[command(flatten)]
    pub kind: Kind,
    #[command(flatten)]
    pub change: Change,
}

#[derive(Debug, clap::Args)]
pub struct Rm {
    #[command(flatten)]
    pub selector: Selector,
    /// Which API deletes: upload (one call per asset) or admin (in bulk); otherwise whichever suits
    #[arg(long, value_enum, value_name = "API")]
    pub api: Option<DeleteApi>,
    #[command(flatten)]
    pub change: Change,
}

#[derive(Debug, clap::Args)]
pub struct Replace {
    /// Public ID or delivery URL
    #[arg(value_name = "ID|URL")]
    pub target: String,
    /// The new file
    #[arg(value_name = "FILE")]
    pub file: PathBuf,
    #[command(flatten)]
    pub kind: Kind,
    #[command(flatten)]
    pub change: Change,
}

#[derive(Debug, clap::Args)]
pub struct Purge {
    #[command(flatten)]
    pub selector: Selector,
    #[command(flatten)]
    pub change: Change,
}

#[derive(Debug, clap::Args)]
pub struct Restore {
    /// Public IDs
    #[arg(value_name = "ID", required = true)]
    pub targets: Vec<String>,
    #[command(flatten)]
    pub kind: Kind,
    #[command(flatten)]
    pub change: Change,
}

#[derive(Debug, clap::Args)]
#[command(group = ArgGroup::new("what").required(true).multiple(false))]
pub struct Probe {
    /// Any web addresses, of this cloud or not
    #[arg(value_name = "URL", group = "what")]
    pub urls: Vec<String>,
    /// URLs from standard input, one a line. With --json another allclear may speak to it there, as
    /// `ssh HOST allclear probe --json --stdin`: it then probes on its behalf, without any configuration
    #[arg(long, group = "what")]
    pub stdin: bool,
    /// Agree to look at this host and its private network when another allclear asks for it
    #[arg(long, requires = "stdin")]
    pub local: bool,
    /// Columns to show, in this order: the headings in small letters, with - for spaces
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    pub columns: Vec<String>,
    #[command(flatten)]
    pub at: At,
}

/// Which addresses to look at.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct At {
    /// Look at this address and at no other; may be given many times. A name of three capitals is a PoP
    #[arg(long = "edge", value_name = "[NAME=]ADDRESS[:PORT]", value_parser = values::edge)]
    pub edges: Vec<PinnedEdge>,
}

#[derive(Debug, clap::Args)]
pub struct Watch {
    /// ID of an invalidation (6 or more first characters will do) or any web address
    #[arg(value_name = "INVALIDATION|URL")]
    pub target: String,
    /// What the URL must show. When not given storage decides; for a URL of no cloud of ours a read past its caches
    /// does, where that is possible
    #[arg(long, value_name = "WHAT", value_parser = values::expectation())]
    pub expect: Option<Expectation>,
    /// When the change left, for one that was made elsewhere: lets the age of copies tell
    #[arg(long, value_name = "TIME")]
    pub since: Option<Timestamp>,
    /// Entity tag of the content that a URL of no cloud of ours must show, instead of a read past its caches
    #[arg(long, value_name = "TAG", value_parser = values::etag)]
    pub etag: Option<String>,
    /// Entity tag of the content that it showed before: its copies are outdated, and nothing is clear while the
    /// origin itself serves it
    #[arg(long, value_name = "TAG", value_parser = values::etag)]
    pub old_etag: Option<String>,
    #[command(flatten)]
    pub at: At,
    /// How much proof
    #[arg(long, value_name = "LEVEL", value_parser = values::confidence())]
    pub confidence: Option<Confidence>,
    /// A note for the journal, e.g. a ticket
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Stop waiting after this long, e.g. 90s, 15m; the watch stays open
    #[arg(long, value_name = "D", value_parser = values::duration)]
    pub timeout: Option<Duration>,
}

#[derive(Debug, clap::Args)]
pub struct Pending {
    /// Of every cloud in the journal
    #[arg(long)]
    pub all: bool,
    /// Columns to show, in this order: the headings in small letters, with - for spaces
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    pub columns: Vec<String>,
    /// Rows only
    #[arg(long)]
    pub no_header: bool,
}

/// The newest rows of a list.
#[derive(Debug, clap::Args)]
pub struct Recent {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Of every cloud in the journal
    #[arg(long)]
    pub all: bool,
    /// Columns to show, in this order: the headings in small letters, with - for spaces
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    pub columns: Vec<String>,
    /// Rows only
    #[arg(long)]
    pub no_header: bool,
}

#[derive(Debug, clap::Args)]
pub struct Report {
    /// Invalidation or operation: 6 or more first characters of its ID
    #[arg(value_name = "INVALIDATION")]
    pub id: String,
    /// Form of the report; --json is the same as json
    #[arg(long, value_enum, value_name = "FORMAT", default_value_t = ReportFormat::Md)]
    pub format: ReportFormat,
    /// Into this file, readable by you alone, instead of standard output
    #[arg(long, short, value_name = "FILE")]
    pub output: Option<PathBuf>,
    /// Columns of its tables, in this order, e.g. place,after; a table that has none of them stays whole
    #[arg(long, value_name = "COLUMNS", value_delimiter = ',')]
    pub columns: Vec<String>,
}

/// How a report is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Markdown
    Md,
    /// One JSON object
    Json,
    /// One HTML file that needs nothing beside it
    Html,
}

#[derive(Debug, clap::Args)]
pub struct Places {
    /// Look at this URL once at each place, to see which PoP answers there
    #[arg(value_name = "URL")]
    pub url: Option<String>,
    /// Columns to show, in this order: the headings in small letters, with - for spaces
    #[arg(long, value_delimiter = ',', value_name = "A,B,…")]
    pub columns: Vec<String>,
    /// Rows only
    #[arg(long)]
    pub no_header: bool,
}

#[derive(Debug, clap::Args)]
pub struct Config {
    #[command(subcommand)]
    pub action: ConfigAction,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ConfigAction {
    /// Say which file is read
    Path,
    /// Show what holds; secrets are masked
    Show {
        /// Where each value comes from: default, file with line, environment, flag
        #[arg(long)]
        origin: bool,
    },
    /// Read the file and say what is wrong with it
    Check,
    /// Write a commented file to begin with; never over one that is there
    Init,
}

#[derive(Debug, clap::Args)]
pub struct Themes {
    #[command(subcommand)]
    pub action: ThemesAction,
}

#[derive(Debug, Clone, Copy, Subcommand)]
pub enum ThemesAction {
    /// List them
    List,
}

#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell that is to complete
    #[arg(value_enum, value_name = "SHELL")]
    pub shell: Shell,
}

/// A shell that completions can be written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    Bash,
    Zsh,
    Fish,
    #[value(alias = "pwsh")]
    Powershell,
    Elvish,
}

#[derive(Debug, clap::Args)]
pub struct Man {
    /// Page of this command, e.g. `rm`, instead of the first one
    #[arg(value_name = "COMMAND", conflicts_with = "dir")]
    pub command: Vec<String>,
    /// Write every page and the completions of every shell below this `share` folder
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// Ask nobody over the network
    #[arg(long)]
    pub offline: bool,
}
