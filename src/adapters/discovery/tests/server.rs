//! A resolver on loopback, over UDP and TCP on one port, whose replies a test writes.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};

use hickory_proto::op::{Edns, Message, MessageType, ResponseCode};
use hickory_proto::rr::rdata::opt::{ClientSubnet, EdnsCode, EdnsOption};
use hickory_proto::rr::{Name, RData, Record, RecordType};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, UdpSocket};
use tokio::task::JoinSet;

/// How a question came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    Udp,
    Tcp,
}

/// Ends with its value.
pub struct Server {
    pub address: SocketAddr,
    asked: Arc<Mutex<Vec<(Message, Way)>>>,
    _tasks: JoinSet<()>,
}

impl Server {
    /// Answers each question with these messages, over TCP with the first alone; none is silence.
    pub async fn start(
        replies: impl Fn(&Message, Way) -> Vec<Vec<u8>> + Send + Sync + 'static,
    ) -> Self {
        Self::with_tcp(replies, |reply| {
            let length = u16::try_from(reply.len()).unwrap();
            [&length.to_be_bytes()[..], reply].concat()
        })
        .await
    }

    /// The same with a say in how a message is framed over TCP.
    pub async fn with_tcp(
        replies: impl Fn(&Message, Way) -> Vec<Vec<u8>> + Send + Sync + 'static,
        framed: impl Fn(&[u8]) -> Vec<u8> + Send + Sync + 'static,
    ) -> Self {
        let (udp, tcp) = sockets().await;
        let address = udp.local_addr().unwrap();
        let asked = Arc::<Mutex<Vec<(Message, Way)>>>::default();
        let (heard, mut tasks) = (Arc::clone(&asked), JoinSet::new());
        let answer = Arc::new(move |bytes: &[u8], way| {
            let question = Message::from_vec(bytes).unwrap();
            heard.lock().unwrap().push((question.clone(), way));
            replies(&question, way)
        });
        let over_tcp = Arc::clone(&answer);
        tasks.spawn(async move {
            let mut datagram = [0; 4096];
            loop {
                let (length, from) = udp.recv_from(&mut datagram).await.unwrap();
                for reply in answer(&datagram[..length], Way::Udp) {
                    udp.send_to(&reply, from).await.ok();
                }
            }
        });
        tasks.spawn(async move {
            loop {
                let (mut stream, _) = tcp.accept().await.unwrap();
                let length = stream.read_u16().await.unwrap();
                let mut question = vec![0; length.into()];
                stream.read_exact(&mut question).await.unwrap();
                if let Some(reply) = over_tcp(&question, Way::Tcp).first() {
                    stream.write_all(&framed(reply)).await.ok();
                }
            }
        });
        Self { address, asked, _tasks: tasks }
    }

    /// Number of questions so far.
    pub fn asked(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    pub fn asked_for(&self, kind: RecordType) -> usize {
        self.questions().iter().filter(|(it, _)| it.queries[0].query_type == kind).count()
    }

    pub fn questions(&self) -> Vec<(Message, Way)> {
        self.asked.lock().unwrap().clone()
    }
}

/// Both on one port, whichever is free for both.
async fn sockets() -> (UdpSocket, TcpListener) {
    loop {
        let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        if let Ok(tcp) = TcpListener::bind(udp.local_addr().unwrap()).await {
            return (udp, tcp);
        }
    }
}

/// The subnet that a question is asked for.
pub fn subnet_of(asked: &Message) -> Option<ClientSubnet> {
    match asked.edns.as_ref()?.option(EdnsCode::Subnet)? {
        EdnsOption::Subnet(subnet) => Some(*subnet),
        _ => None,
    }
}

/// A reply without records; `echo` is a subnet and the scope to send back with it.
pub fn reply_to(asked: &Message, echo: Option<(ClientSubnet, u8)>) -> Message {
    let mut reply = asked.clone();
    reply.metadata.message_type = MessageType::Response;
    reply.metadata.recursion_available = true;
    let mut edns = Edns::new();
    edns.set_max_payload(1232);
    if let Some((subnet, scope)) = echo {
        let echo = ClientSubnet::new(subnet.addr(), subnet.source_prefix(), scope);
        edns.options_mut().insert(EdnsOption::Subnet(echo));
    }
    reply.set_edns(edns);
    reply
}

pub fn code(asked: &Message, code: ResponseCode) -> Message {
    let mut reply = reply_to(asked, None);
    reply.metadata.response_code = code;
    reply
}

pub fn name(text: &str) -> Name {
    let mut name = Name::from_ascii(text).unwrap();
    name.set_fqdn(true);
    name
}

/// Adds an address, where it is of the kind that was asked for.
pub fn add(reply: &mut Message, owner: &str, ttl: u32, address: &str) {
    let (kind, data) = match address.parse().unwrap() {
        IpAddr::V4(v4) => (RecordType::A, RData::A(v4.into())),
        IpAddr::V6(v6) => (RecordType::AAAA, RData::AAAA(v6.into())),
    };
    if reply.queries.first().is_none_or(|asked| asked.query_type == kind) {
        reply.add_answer(Record::from_rdata(name(owner), ttl, data));
    }
}

pub fn add_alias(reply: &mut Message, owner: &str, ttl: u32, target: &str) {
    let data = RData::CNAME(hickory_proto::rr::rdata::CNAME(name(target)));
    reply.add_answer(Record::from_rdata(name(owner), ttl, data));
}
