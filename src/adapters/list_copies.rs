//! Copies of lists as files: a line that names format and version, a header, then pages, each with a checksum.
//!
//! Readable by the operator alone, written beside and renamed into place, a dozen at most. Signed URLs are left out.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::io_in_words;
use crate::domain::asset::{Asset, DeliveryType};
use crate::domain::asset_rows::{Chunk, RowStore};
use crate::domain::invalidation::CloudScope;
use crate::domain::time::{from_millis, to_millis};
use crate::ports::cloud::ListQuery;
use crate::ports::list_copy::{CopyFault, ListCopies, ListCopy};

/// First line of a file; the number goes up when the format changes.
const MAGIC: &[u8] = b"allclear list 1\n";
/// What any version of it begins with.
const KIND: &[u8] = b"allclear list ";
/// Longest list that is kept.
const ROWS: usize = 2_000_000;
/// Largest page, and header, that is believed.
const PAGE: u64 = 1 << 30;
const HEADER: u64 = 1 << 16;
/// Files kept.
const FILES: usize = 12;
/// What URLs hold that open more than anybody may see: signatures and tokens.
const SECRETS: [&str; 2] = ["s--", "__cld_token__"];
/// Rows that are enough for the first look.
const BEGINNING: usize = 200;

/// Copies of one cloud's lists.
#[derive(Debug)]
pub struct ListFiles {
    folder: PathBuf,
    scope: CloudScope,
    /// Which run of a local cloud it is; unknown until it has answered.
    run: Mutex<Run>,
}

#[derive(Debug)]
enum Run {
    Known(Option<String>),
    /// A copy of any run is shown; of this one it was, if there was any.
    Unknown {
        shown: Shown,
    },
}

/// What of a copy was read before the cloud had told its run.
#[derive(Debug)]
enum Shown {
    Nothing,
    /// A copy of this run, or of a cloud that has none.
    OfRun(Option<String>),
}

#[derive(Debug, Serialize, Deserialize)]
struct Header {
    scope: CloudScope,
    query: String,
    at: i64,
    rows: usize,
    is_whole: bool,
}

impl ListFiles {
    /// Copies in a folder, which is made when something is kept.
    #[must_use]
    pub const fn new(folder: PathBuf, mut scope: CloudScope) -> Self {
        let run = Mutex::new(Run::Known(scope.instance.take()));
        Self { folder, scope, run }
    }

    /// The same before a local cloud has said which run of it this is: what was kept of any is read, until
    /// [`Self::settle`] tells.
    #[must_use]
    pub const fn of_any_run(folder: PathBuf, scope: CloudScope) -> Self {
        Self { folder, scope, run: Mutex::new(Run::Unknown { shown: Shown::Nothing }) }
    }

    /// From now on only copies of this run are read; whether another one's was read before.
    pub fn settle(&self, instance: Option<&str>) -> bool {
        let before = std::mem::replace(&mut *self.run(), Run::Known(instance.map(str::to_owned)));
        matches!(before, Run::Unknown { shown: Shown::OfRun(shown) } if shown.as_deref() != instance)
    }

    fn run(&self) -> MutexGuard<'_, Run> {
        self.run.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, query: &str) -> PathBuf {
        let scope = serde_json::to_vec(&self.scope).unwrap_or_default();
        let name = Sha256::new().chain_update(scope).chain_update(query).finalize();
        self.folder.join(format!("{}.list", &hex::encode(name)[..24]))
    }

    fn load(&self, query: &ListQuery, enough: usize) -> Result<Option<ListCopy>, CopyFault> {
        let Some(query) = kept(query) else { return Ok(None) };
        let file = match File::open(self.path(&query)) {
            Err(why) if why.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened.map_err(|why| fault(&why))?,
        };
        let mut file = BufReader::new(file);
        let mut magic = [0; MAGIC.len()];
        file.read_exact(&mut magic).map_err(|_| CopyFault::Damaged)?;
        if magic != *MAGIC {
            let ours = magic.starts_with(KIND);
            return Err(if ours { CopyFault::OtherVersion } else { CopyFault::Damaged });
        }
        let header = part(&mut file, HEADER)?.ok_or(CopyFault::Damaged)?;
        let header: Header = serde_json::from_slice(&header).map_err(|_| CopyFault::Damaged)?;
        let Header { scope: CloudScope { instance, .. }, .. } = &header;
        let of_this = CloudScope { instance: None, ..header.scope.clone() } == self.scope;
        if !of_this || header.query != query {
            return Ok(None); // two names with one sum, or a file that was put there
        }
        match &mut *self.run() {
            Run::Known(run) if run != instance => return Ok(None),
            Run::Known(_) => {}
            Run::Unknown { shown } => *shown = Shown::OfRun(instance.clone()),
        }
        let mut rows = RowStore::default();
        while rows.len() < enough.min(header.rows) {
            let page = part(&mut file, PAGE)?.ok_or(CopyFault::Damaged)?;
            let chunk = Chunk::from_bytes(&page).filter(|chunk| !chunk.is_empty());
            rows.push_chunk(Arc::new(chunk.ok_or(CopyFault::Damaged)?));
        }
        if rows.len() > header.rows {
            return Err(CopyFault::Damaged);
        }
        let (at, count) = (from_millis(header.at), header.rows);
        Ok(Some(ListCopy { rows, at, count, is_whole: header.is_whole }))
    }

    fn save(&self, query: String, copy: &ListCopy) -> io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.folder)?;
        let path = self.path(&query);
        let beside = path.with_extension(format!("{}.new", std::process::id()));
        fs::remove_file(&beside).ok(); // left by an elder process of this number
        let file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&beside)?;
        let instance = match &*self.run() {
            Run::Known(instance) => instance.clone(),
            Run::Unknown { .. } => None,
        };
        let scope = CloudScope { instance, ..self.scope.clone() };
        let written = write(file, &scope, query, copy).and_then(|()| fs::rename(&beside, path));
        if written.is_err() {
            fs::remove_file(&beside).ok();
        }
        thin_out(&self.folder);
        written
    }
}

impl ListCopies for ListFiles {
    fn beginning(&self, query: &ListQuery) -> Result<Option<ListCopy>, CopyFault> {
        self.load(query, BEGINNING)
    }

    fn read(&self, query: &ListQuery) -> Result<Option<ListCopy>, CopyFault> {
        self.load(query, usize::MAX)
    }

    fn write(&self, query: &ListQuery, copy: &ListCopy) -> Result<(), CopyFault> {
        let Some(query) = kept(query) else { return Ok(()) };
        if copy.rows.len() > ROWS {
            return Err(CopyFault::TooLong { rows: copy.rows.len() });
        }
        self.save(query, copy).map_err(|why| fault(&why))
    }
}

fn fault(why: &io::Error) -> CopyFault {
    CopyFault::Io(io_in_words(why))
}

/// The name of a list that is kept: everything of one type, delivered to anybody.
fn kept(query: &ListQuery) -> Option<String> {
    match query {
        ListQuery::Resources {
            resource_type,
            delivery_type: DeliveryType::Upload,
            prefix: None,
        } => Some(format!("{resource_type}/upload")),
        _ => None,
    }
}

/// A length, a checksum and so many bytes; `None` at the end of the file.
fn part(file: &mut impl io::Read, most: u64) -> Result<Option<Vec<u8>>, CopyFault> {
    let mut head = [0; 16];
    match file.read_exact(&mut head) {
        Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read.map_err(|why| fault(&why))?,
    }
    let ([len, sum], []) = head.as_chunks::<8>() else { return Err(CopyFault::Damaged) };
    let len = u64::from_le_bytes(*len);
    if len > most {
        return Err(CopyFault::Damaged);
    }
    let mut bytes = Vec::new();
    file.take(len).read_to_end(&mut bytes).map_err(|why| fault(&why))?;
    let whole =
        u64::try_from(bytes.len()) == Ok(len) && checksum(&bytes) == u64::from_le_bytes(*sum);
    if whole { Ok(Some(bytes)) } else { Err(CopyFault::Damaged) }
}

/// Tells a damaged page; no defence against anybody who means harm.
fn checksum(bytes: &[u8]) -> u64 {
    const K: u64 = 0x9e37_79b9_7f4a_7c15;
    let mix = |sum: u64, word: u64| (sum ^ word).wrapping_mul(K).rotate_left(29);
    let (words, rest) = bytes.as_chunks::<8>();
    let sum = words.iter().fold(K, |sum, word| mix(sum, u64::from_le_bytes(*word)));
    let sum = rest.iter().fold(sum, |sum, byte| mix(sum, u64::from(*byte)));
    mix(sum, u64::try_from(bytes.len()).unwrap_or_default())
}

fn write(file: File, scope: &CloudScope, query: String, copy: &ListCopy) -> io::Result<()> {
    let mut file = io::BufWriter::with_capacity(1 << 20, file);
    let header = Header {
        scope: scope.clone(),
        query,
        at: to_millis(copy.at),
        rows: copy.rows.len(),
        is_whole: copy.is_whole,
    };
    file.write_all(MAGIC)?;
    let mut put = |bytes: &[u8]| {
        let len = u64::try_from(bytes.len()).unwrap_or_default();
        file.write_all(&len.to_le_bytes())?;
        file.write_all(&checksum(bytes).to_le_bytes())?;
        file.write_all(bytes)
    };
    put(&serde_json::to_vec(&header)?)?;
    for (_, chunk) in copy.rows.chunks() {
        if holds_secrets(chunk) {
            put(&without_secrets(chunk).to_bytes())?;
        } else {
            put(&chunk.to_bytes())?;
        }
    }
    file.into_inner().map_err(io::IntoInnerError::into_error)?.sync_data()
}

/// Whether a page may hold a signed URL.
fn holds_secrets(chunk: &Chunk) -> bool {
    SECRETS.iter().any(|part| chunk.may_hold(part))
}

fn is_signed(asset: &Asset) -> bool {
    let holds = |url: &str| SECRETS.iter().any(|part| url.contains(part));
    asset.secure_url.as_deref().is_some_and(holds)
}

fn without_secrets(chunk: &Chunk) -> Chunk {
    let bare: Vec<Asset> = chunk
        .assets()
        .map(|asset| if is_signed(&asset) { Asset { secure_url: None, ..asset } } else { asset })
        .collect();
    Chunk::of(&bare)
}

/// Keeps the newest.
fn thin_out(folder: &Path) {
    let Ok(entries) = fs::read_dir(folder) else { return };
    let mut files: Vec<_> = entries
        .flatten()
        .filter(|entry| entry.path().extension().is_some_and(|extension| extension == "list"))
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    files.sort();
    let many = files.len().saturating_sub(FILES);
    for (_, path) in files.into_iter().take(many) {
        fs::remove_file(path).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::domain::asset::ResourceType;

    fn scope(api: &str) -> CloudScope {
        CloudScope { cloud_name: "demo".into(), api: api.into(), instance: Some("run 1".into()) }
    }

    fn images() -> ListQuery {
        ListQuery::Resources {
            resource_type: ResourceType::Image,
            delivery_type: DeliveryType::Upload,
            prefix: None,
        }
    }

    fn asset(n: u64, url: &str) -> Asset {
        let name = format!("press/2026/hero-{n:04}");
        Asset {
            key: crate::domain::asset::AssetKey::image(name.parse().unwrap()),
            asset_id: None,
            version: n,
            format: Some("jpg".into()),
            bytes: n * 3,
            width: None,
            height: None,
            etag: None,
            created_at: None,
            asset_folder: None,
            display_name: None,
            tags: vec!["press".into()],
            secure_url: Some(url.to_owned()),
            placeholder: false,
        }
    }

    fn copy(pages: u64) -> ListCopy {
        let mut rows = RowStore::default();
        for page in 0..pages {
            let page: Vec<Asset> = (0..150).map(|n| asset(page * 150 + n, "https://h/a")).collect();
            rows.push_page(&page);
        }
        let count = rows.len();
        ListCopy { rows, at: from_millis(1_700_000_000_123), count, is_whole: true }
    }

    fn only_file(folder: &Path) -> PathBuf {
        let mut files = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        let file = files.next().unwrap();
        assert_eq!(files.next(), None);
        file
    }

    #[test]
    fn what_was_kept_comes_back_to_the_same_cloud_alone() {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join("lists");
        let files = ListFiles::new(folder.clone(), scope("http://a"));
        assert_eq!(files.read(&images()), Ok(None));
        files.write(&images(), &copy(4)).unwrap();
        assert_eq!(files.read(&images()), Ok(Some(copy(4))));
        let beginning = files.beginning(&images()).unwrap().unwrap();
        assert_eq!((beginning.rows.len(), beginning.count), (300, 600));
        files.write(&images(), &copy(1)).unwrap();
        assert_eq!(files.read(&images()), Ok(Some(copy(1))));
        assert_eq!(ListFiles::new(folder.clone(), scope("http://b")).read(&images()), Ok(None));
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&only_file(&folder)), mode(&folder)), (0o600, 0o700));
    }

    #[test]
    fn of_a_local_cloud_any_run_is_shown_until_it_says_which_it_is() {
        let home = tempfile::tempdir().unwrap();
        let kept = ListFiles::new(home.path().to_owned(), scope("http://a"));
        kept.write(&images(), &copy(1)).unwrap();
        let unsettled = CloudScope { instance: None, ..scope("http://a") };
        for (run, is_another) in [("run 1", false), ("run 2", true)] {
            let files = ListFiles::of_any_run(home.path().to_owned(), unsettled.clone());
            assert!(files.beginning(&images()).unwrap().is_some());
            assert_eq!(files.settle(Some(run)), is_another);
            assert_eq!(files.read(&images()).unwrap().is_some(), !is_another);
        }
        let unread = ListFiles::of_any_run(home.path().to_owned(), unsettled);
        assert!(!unread.settle(Some("run 2")));
    }

    #[test]
    fn a_damaged_or_foreign_copy_is_a_fault_and_never_rows() {
        let home = tempfile::tempdir().unwrap();
        let files = ListFiles::new(home.path().to_owned(), scope("http://a"));
        files.write(&images(), &copy(2)).unwrap();
        let path = only_file(home.path());
        let good = fs::read(&path).unwrap();
        for at in [0, 20, 60, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 0x10;
            fs::write(&path, &bad).unwrap();
            assert_eq!(files.read(&images()), Err(CopyFault::Damaged), "byte {at}");
        }
        for len in [0, 10, 30, good.len() / 2, good.len() - 1] {
            fs::write(&path, &good[..len]).unwrap();
            assert_eq!(files.read(&images()), Err(CopyFault::Damaged), "{len} bytes");
        }
        let newer = [b"allclear list 2\n", &good[MAGIC.len()..]].concat();
        fs::write(&path, newer).unwrap();
        assert_eq!(files.read(&images()), Err(CopyFault::OtherVersion));
        files.write(&images(), &copy(2)).unwrap();
        assert_eq!(files.read(&images()), Ok(Some(copy(2))));
    }

    #[test]
    fn signed_addresses_and_narrowed_lists_are_not_kept() {
        let home = tempfile::tempdir().unwrap();
        let files = ListFiles::new(home.path().to_owned(), scope("http://a"));
        let mut signed = copy(1);
        signed.rows = RowStore::default();
        let url = "https://h/demo/image/upload/s--SECRET12--/v1/press/2026/hero-0001.jpg";
        signed.rows.push_page(&[asset(1, url), asset(2, "https://h/a")]);
        signed.count = 2;
        files.write(&images(), &signed).unwrap();
        let bytes = fs::read(only_file(home.path())).unwrap();
        assert!(!bytes.windows(8).any(|part| part == b"SECRET12"));
        let kept = files.read(&images()).unwrap().unwrap();
        let urls: Vec<_> = kept.rows.chunks().flat_map(|(_, it)| it.assets()).collect();
        assert_eq!(urls[0].secure_url, None);
        assert_eq!(urls[1].secure_url.as_deref(), Some("https://h/a"));
        let found = ListQuery::Search { expression: "x".into() };
        files.write(&found, &copy(1)).unwrap();
        assert_eq!(files.read(&found), Ok(None));
    }

    #[test]
    fn a_dozen_files_are_kept() {
        let home = tempfile::tempdir().unwrap();
        for n in 0..20 {
            let files = ListFiles::new(home.path().to_owned(), scope(&format!("http://{n}")));
            files.write(&images(), &copy(1)).unwrap();
        }
        assert_eq!(fs::read_dir(home.path()).unwrap().count(), FILES);
        let last = ListFiles::new(home.path().to_owned(), scope("http://19"));
        assert!(last.read(&images()).unwrap().is_some());
    }
}
