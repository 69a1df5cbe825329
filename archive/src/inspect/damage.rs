//! What may be wrong with a file, where, and whom it hits.

use godwit_model::AccountNo;

/// One thing that is not as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    /// The file's name in the folder.
    pub file: String,
    /// Where it begins, in bytes.
    pub offset: u64,
    /// How many bytes are concerned.
    pub length: u64,
    /// What is wrong.
    pub kind: DamageKind,
    /// Whose numbers stand there, as far as an index still tells.
    pub hits: Hits,
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DamageKind {
    /// A file's header does not match its checksum, or is not ours.
    Header,
    /// A format this program does not know.
    Version,
    /// The file is shorter or longer than it says, or than its neighbours say.
    Length,
    /// The file is sound, but belongs elsewhere: another number, another log, another generation.
    Misplaced,
    /// A file that others rely on is not there.
    Missing,
    /// The frame that opens a commit is damaged; messages behind it may still be readable.
    Commit,
    /// A frame does not match its checksum.
    Frame,
    /// Passes its checksum and makes no sense.
    Content,
    /// Commits that were durable are not here.
    Lost,
    /// Bytes of an unfinished commit at the end of the log. A start cuts them: after a crash they are what was
    /// never acknowledged.
    Torn,
    /// Bytes where there should be zeros. They hold no message: a failed write left them, or a damage.
    Stray,
    /// A block of an index does not match its checksum.
    Block,
    /// A part of an index besides its blocks does not match its checksum.
    Section,
    /// The file of the whole state does not match its checksum.
    Checkpoint,
    /// The list of segments in the store does not match its checksums.
    Ledger,
    /// A file that a start has set aside as damaged.
    SetAside,
    /// The disk did not give the bytes.
    Unreadable,
    /// A message is encrypted and its tenant's key does not open it.
    Sealed,
}

impl DamageKind {
    /// Its stable name.
    pub fn word(self) -> &'static str {
        match self {
            Self::Header => "header",
            Self::Version => "version",
            Self::Length => "length",
            Self::Misplaced => "misplaced",
            Self::Missing => "missing",
            Self::Commit => "commit",
            Self::Frame => "frame",
            Self::Content => "content",
            Self::Lost => "lost",
            Self::Torn => "torn",
            Self::Stray => "stray",
            Self::Block => "block",
            Self::Section => "section",
            Self::Checkpoint => "checkpoint",
            Self::Ledger => "ledger",
            Self::SetAside => "set_aside",
            Self::Unreadable => "unreadable",
            Self::Sealed => "sealed",
        }
    }

    /// A sentence for people.
    pub fn sentence(self) -> &'static str {
        match self {
            Self::Header => "the header is damaged",
            Self::Version => "a format this program does not know",
            Self::Length => "the file is shorter or longer than it should be",
            Self::Misplaced => "the file belongs elsewhere",
            Self::Missing => "the file is missing",
            Self::Commit => "the opening of a commit is damaged",
            Self::Frame => "a frame does not match its checksum",
            Self::Content => "a frame makes no sense",
            Self::Lost => "stored commits are not there",
            Self::Torn => "an unfinished commit at the end of the log; a start cuts it",
            Self::Stray => "bytes where nothing was stored; no message is concerned",
            Self::Block => "a block of the index is damaged; a start builds it again",
            Self::Section => "a part of the index is damaged; a start builds it again",
            Self::Checkpoint => "the checkpoint is damaged",
            Self::Ledger => "the list of segments in the store is damaged; restore it from a backup",
            Self::SetAside => "a start has set this file aside as damaged",
            Self::Unreadable => "the disk does not give the bytes",
            Self::Sealed => "a message cannot be decrypted with the key that is there",
        }
    }
}

/// Whose numbers a damage hits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hits {
    /// Accounts in ascending order, at most [`Hits::ACCOUNTS_MAX`].
    pub accounts: Vec<Hit>,
    /// How many accounts more.
    pub more: u64,
    /// Whether the numbers come from a sound index rather than from the damaged bytes themselves.
    pub certain: bool,
}

impl Hits {
    /// Most accounts that are named for one damage.
    pub const ACCOUNTS_MAX: usize = 64;
}

/// The numbers of one account that a damage hits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hit {
    /// Whose inbox.
    pub account: AccountNo,
    /// The lowest number.
    pub first: u64,
    /// The highest number.
    pub last: u64,
}
