//! Questions and replies: what is sent, and what may be believed of what comes back.

use std::net::IpAddr;
use std::time::Duration;

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption};
use hickory_proto::rr::{DNSClass, Name, RData, RecordType};

use super::subnet::Subnet;
use crate::adapters::public_address::not_public;

/// What a reply over UDP may have, so that it is not fragmented.
pub(super) const UDP_PAYLOAD: u16 = 1232;
/// Records of a reply at most.
const MAX_RECORDS: usize = 512;
/// Aliases that are followed at most.
const MAX_ALIASES: usize = 16;
/// Addresses of one reply at most.
const MAX_ADDRESSES: usize = 64;
/// Bytes of a message's header.
const HEADER: usize = 12;

/// Which kind of address is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Family {
    V4,
    V6,
}

/// What became of the client subnet of a question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Tag {
    /// The question carried none.
    Plain,
    /// The answer is for that subnet, or for a part of it.
    Tailored,
    /// The option came back with scope 0: the answer is the same for everybody.
    NotTailored,
    /// The option did not come back: the resolver did not look at it.
    Ignored,
}

impl Tag {
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Tailored => "tailored",
            Self::NotTailored => "not_tailored",
            Self::Ignored => "ignored",
        }
    }
}

/// What a resolver answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// In the resolver's order, each once.
    pub addresses: Vec<IpAddr>,
    /// Addresses that are not asked, and why.
    pub refused: Vec<(IpAddr, &'static str)>,
    pub tag: Tag,
    /// As told; whoever keeps it bounds it.
    pub ttl: Duration,
}

/// Why a resolver's answer says nothing: a state, and no error of the whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    #[error("no answer in time")]
    TimedOut,
    /// REFUSED, SERVFAIL and their like.
    #[error("it answered {code}")]
    Code { code: String },
    #[error("it says that there is no such name")]
    NoSuchName,
    #[error("what came is no DNS message")]
    Garbage,
    /// Only replies with another ID came.
    #[error("it answered under another ID")]
    WrongId,
    #[error("it answered another question")]
    WrongQuestion,
    #[error("its aliases lead in a circle, or have no end")]
    AliasLoop,
    #[error("its answer has {records} records")]
    TooMany { records: usize },
    #[error("{detail}")]
    Broken { detail: String },
    /// Our own limit on questions.
    #[error("not asked yet: at most {limit} questions a minute")]
    NotAsked { limit: usize },
    #[error("this host cannot be asked for")]
    BadName,
}

/// A question about one host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Question {
    name: Name,
    family: Family,
    subnet: Option<Subnet>,
    /// Addresses of this host and its network are believed: for tests against local servers.
    local: bool,
}

/// What a message from the resolver is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Reply {
    Found(Found),
    /// The same must be asked over TCP.
    Truncated,
}

impl Question {
    pub fn new(
        host: &str,
        family: Family,
        subnet: Option<Subnet>,
        local: bool,
    ) -> Result<Self, Trouble> {
        let fits = (1..=253).contains(&host.len())
            && host.chars().all(|c| c.is_ascii_alphanumeric() || "-._".contains(c));
        let mut name = Name::from_ascii(host).ok().filter(|_| fits).ok_or(Trouble::BadName)?;
        name.set_fqdn(true);
        Ok(Self { name, family, subnet, local })
    }

    const fn kind(&self) -> RecordType {
        match self.family {
            Family::V4 => RecordType::A,
            Family::V6 => RecordType::AAAA,
        }
    }

    /// The message with a random ID, and that ID.
    pub fn encode(&self) -> Result<(u16, Vec<u8>), Trouble> {
        let mut message = Message::query();
        message.metadata.recursion_desired = true;
        message.add_query(Query::query(self.name.clone(), self.kind()));
        let mut edns = Edns::new();
        edns.set_max_payload(UDP_PAYLOAD).set_version(0);
        if let Some(subnet) = &self.subnet {
            let option = ClientSubnet::new(subnet.network(), subnet.prefix(), 0);
            edns.options_mut().insert(EdnsOption::Subnet(option));
        }
        message.set_edns(edns);
        let bytes = message.to_vec().map_err(|_| Trouble::BadName)?;
        Ok((message.metadata.id, bytes))
    }

    /// What `bytes` answer to this question, asked under `id`.
    ///
    /// # Errors
    /// [`Trouble::Garbage`], [`Trouble::WrongId`] and [`Trouble::WrongQuestion`] are of messages that need not
    /// come from the resolver at all; any other trouble is its answer.
    pub fn read(&self, id: u16, bytes: &[u8]) -> Result<Reply, Trouble> {
        if bytes.len() < HEADER {
            return Err(Trouble::Garbage);
        }
        let number = |at: usize| u16::from_be_bytes([bytes[at], bytes[at + 1]]);
        if number(0) != id {
            return Err(Trouble::WrongId);
        }
        // counted before anything is built from them
        let records = [6, 8, 10].into_iter().map(|at| usize::from(number(at))).sum();
        if number(4) > 1 {
            return Err(Trouble::WrongQuestion);
        }
        let is_reply = bytes[2] & 0x80 != 0;
        if is_reply && records > MAX_RECORDS {
            return Err(Trouble::TooMany { records });
        }
        let message = Message::from_vec(bytes).map_err(|_| Trouble::Garbage)?;
        self.check(&message)?;
        match message.metadata.response_code {
            _ if message.metadata.truncation => Ok(Reply::Truncated),
            ResponseCode::NoError => self.addresses(&message).map(Reply::Found),
            ResponseCode::NXDomain => Err(Trouble::NoSuchName),
            code => Err(Trouble::Code { code: word(code) }),
        }
    }

    /// Whether it is a reply to what was asked; some servers leave the question out of a refusal.
    fn check(&self, message: &Message) -> Result<(), Trouble> {
        let head = &message.metadata;
        if head.message_type != MessageType::Response || head.op_code != OpCode::Query {
            return Err(Trouble::WrongQuestion);
        }
        let refused = head.response_code != ResponseCode::NoError;
        match message.queries.first() {
            None if refused => Ok(()),
            Some(asked)
                if asked.name == self.name
                    && asked.query_type == self.kind()
                    && asked.query_class == DNSClass::IN =>
            {
                Ok(())
            }
            _ => Err(Trouble::WrongQuestion),
        }
    }

    /// The addresses at the end of the aliases that begin with our name; records of other names are not ours.
    fn addresses(&self, message: &Message) -> Result<Found, Trouble> {
        let (mut name, mut ttl, mut aliases) = (self.name.clone(), u32::MAX, 0);
        while let Some((target, for_seconds)) = alias(message, &name) {
            aliases += 1;
            if aliases > MAX_ALIASES {
                return Err(Trouble::AliasLoop);
            }
            (name, ttl) = (target, ttl.min(for_seconds));
        }
        let (mut addresses, mut refused) = (Vec::new(), Vec::new());
        for record in
            message.answers.iter().filter(|it| it.name == name && it.dns_class == DNSClass::IN)
        {
            let address: IpAddr = match (&record.data, self.family) {
                (RData::A(a), Family::V4) => a.0.into(),
                (RData::AAAA(aaaa), Family::V6) => aaaa.0.into(),
                _ => continue,
            };
            ttl = ttl.min(record.ttl);
            if addresses.len() + refused.len() >= MAX_ADDRESSES || addresses.contains(&address) {
                continue;
            }
            match not_public(address).filter(|_| !self.local) {
                Some(why) if refused.iter().all(|(known, _)| *known != address) => {
                    refused.push((address, why));
                }
                Some(_) => {}
                None => addresses.push(address),
            }
        }
        let ttl = Duration::from_secs(if ttl == u32::MAX { 0 } else { ttl.into() });
        Ok(Found { addresses, refused, tag: self.tag(message), ttl })
    }

    /// Only an echo of the very subnet that was asked for means anything (RFC 7871, section 7.3).
    fn tag(&self, message: &Message) -> Tag {
        let Some(subnet) = &self.subnet else { return Tag::Plain };
        let echo = message.edns.as_ref().and_then(|edns| edns.option(EdnsCode::Subnet));
        match echo {
            Some(EdnsOption::Subnet(echo))
                if (echo.addr(), echo.source_prefix()) == (subnet.network(), subnet.prefix()) =>
            {
                if echo.scope_prefix() == 0 {
                    Tag::NotTailored
                } else {
                    Tag::Tailored
                }
            }
            _ => Tag::Ignored,
        }
    }
}

/// Where a name is an alias: for what, and for how many seconds.
fn alias(message: &Message, name: &Name) -> Option<(Name, u32)> {
    message.answers.iter().filter(|it| it.name == *name && it.dns_class == DNSClass::IN).find_map(
        |record| match &record.data {
            RData::CNAME(target) => Some((target.0.clone(), record.ttl)),
            _ => None,
        },
    )
}

/// The usual word of a code.
fn word(code: ResponseCode) -> String {
    match code {
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::ServFail => "SERVFAIL".to_owned(),
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        other => format!("the code {}", u16::from(other)),
    }
}
