//! One question and what may come back.

use hickory_proto::op::{Message, ResponseCode};
use hickory_proto::rr::rdata::opt::ClientSubnet;
use rstest::rstest;

use super::server::{add, add_alias, code, name, subnet_of};
use super::*;

/// The row of the first question, for IPv4.
async fn row(server: &Server, options: DiscoveryOptions) -> Result<Found, Trouble> {
    asking(&[server], &[], options).look(HOST).await.rows.remove(0).outcome
}

async fn answered(reply: impl Fn(&mut Message) + Send + Sync + 'static) -> Result<Found, Trouble> {
    let server = Server::start(move |asked, _| {
        let mut message = reply_to(asked, None);
        reply(&mut message);
        vec![message.to_vec().unwrap()]
    })
    .await;
    row(&server, options()).await
}

/// Whatever bytes, given those of the question.
async fn answered_raw(
    reply: impl Fn(&Message) -> Vec<u8> + Send + Sync + 'static,
    options: DiscoveryOptions,
) -> Result<Found, Trouble> {
    row(&Server::start(move |asked, _| vec![reply(asked)]).await, options).await
}

#[tokio::test]
async fn a_question_is_what_it_means_to_be() {
    let server = mapping().await;
    asking(&[&server], &[tokyo(), "2001:db8:7:ff::/48".parse().unwrap()], options())
        .look(HOST)
        .await;
    let asked = server.questions();
    assert_eq!(asked.len(), 6);
    for (question, way) in &asked {
        assert_eq!(*way, Way::Udp);
        assert!(question.metadata.recursion_desired && question.max_payload() == 1232);
        assert_eq!((question.queries.len(), &question.queries[0].name), (1, &name(HOST)));
    }
    let mut subnets: Vec<_> =
        asked.iter().filter_map(|(question, _)| subnet_of(question)).collect();
    subnets.sort();
    subnets.dedup();
    let expected = [("198.51.100.0", 24), ("2001:db8:7::", 48)];
    assert_eq!(subnets, expected.map(|(ip, bits)| ClientSubnet::new(ip.parse().unwrap(), bits, 0)));
    let mut ids: Vec<u16> = asked.iter().map(|(question, _)| question.metadata.id).collect();
    ids.dedup();
    assert!(ids.len() > 1, "IDs are random: {ids:?}");
}

#[rstest]
#[case::for_us(Some(("198.51.100.0", 24, 24)), Tag::Tailored)]
#[case::for_many(Some(("198.51.100.0", 24, 8)), Tag::Tailored)]
#[case::for_all(Some(("198.51.100.0", 24, 0)), Tag::NotTailored)]
#[case::for_others(Some(("203.0.113.0", 24, 24)), Tag::Ignored)]
#[case::for_less(Some(("198.51.100.0", 16, 16)), Tag::Ignored)]
#[case::not_looked_at(None, Tag::Ignored)]
#[tokio::test]
async fn an_answer_that_ignored_the_subnet_is_tagged(
    #[case] echo: Option<(&'static str, u8, u8)>,
    #[case] tag: Tag,
) {
    let server = Server::start(move |asked, _| {
        let echo =
            echo.map(|(ip, bits, scope)| (ClientSubnet::new(ip.parse().unwrap(), bits, 0), scope));
        let mut reply = reply_to(asked, echo);
        add(&mut reply, HOST, 60, "192.0.2.1");
        vec![reply.to_vec().unwrap()]
    })
    .await;
    let listing = asking(&[&server], &[tokyo()], options()).look(HOST).await;
    let tags: Vec<Tag> = listing.rows.iter().map(|row| row.outcome.as_ref().unwrap().tag).collect();
    assert_eq!(tags, [Tag::Plain, Tag::Plain, tag, tag]);
    let tailored = if tag == Tag::Tailored { 2 } else { 0 };
    assert_eq!(listing.tailored_of_answered(), (tailored, 2));
    let source = listing.rows[2].source();
    assert_eq!(source.contains("ignoring"), tag == Tag::Ignored, "{source}");
}

#[rstest]
#[case(ResponseCode::Refused, "it answered REFUSED")]
#[case(ResponseCode::ServFail, "it answered SERVFAIL")]
#[case(ResponseCode::FormErr, "it answered FORMERR")]
#[case(ResponseCode::NXDomain, "it says that there is no such name")]
#[case(ResponseCode::BADCOOKIE, "it answered the code 23")]
#[tokio::test]
async fn a_refusal_is_a_state(#[case] refusal: ResponseCode, #[case] words: &str) {
    let bare = answered(move |reply| {
        reply.metadata.response_code = refusal;
        reply.queries.clear();
    });
    if refusal.high() == 0 {
        assert_eq!(bare.await.unwrap_err().to_string(), words, "without the question");
    }
    let server = Server::start(move |asked, _| {
        let mut reply = code(asked, refusal);
        let high = refusal.high();
        reply.edns.as_mut().unwrap().set_rcode_high(high);
        vec![reply.to_vec().unwrap()]
    })
    .await;
    assert_eq!(row(&server, options()).await.unwrap_err().to_string(), words);
}

#[tokio::test]
async fn nobody_there_is_a_state() {
    let resolver = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let resolvers = vec![Resolver::new("r", resolver)];
    let discovery = Discovery::new(resolvers, vec![], impatient(), Arc::new(SystemClock));
    let outcome = discovery.look(HOST).await.rows.remove(0).outcome;
    assert_eq!(outcome, Err(Trouble::Broken { detail: "connection refused".to_owned() }));
}

#[tokio::test]
async fn replies_of_others_are_passed_over() {
    let server = Server::start(|asked, _| {
        let mut right = reply_to(asked, None);
        let mut wrong = right.clone();
        add(&mut right, HOST, 60, "192.0.2.1");
        add(&mut wrong, HOST, 60, "203.0.113.66");
        let mut other_id = wrong.clone();
        other_id.metadata.id ^= 1;
        let mut other_name = wrong.clone();
        other_name.queries[0].name = name("other.example");
        let mut question = wrong.clone();
        question.metadata.message_type = hickory_proto::op::MessageType::Query;
        wrong.queries.clear();
        let strays = [other_id, other_name, question, wrong].map(|it| it.to_vec().unwrap());
        [strays.to_vec(), vec![b"?".to_vec(), vec![0; 4000], right.to_vec().unwrap()]].concat()
    })
    .await;
    assert_eq!(ips(&row(&server, options()).await.unwrap().addresses), ["192.0.2.1"]);
}

#[tokio::test]
async fn a_reply_from_another_address_is_not_even_seen() {
    let spoofer = Arc::new(std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    let stranger = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let address = stranger.local_addr().unwrap();
    let spoofing = tokio::spawn(async move {
        let mut datagram = [0; 4096];
        loop {
            let (length, from) = stranger.recv_from(&mut datagram).await.unwrap();
            let mut reply = reply_to(&Message::from_vec(&datagram[..length]).unwrap(), None);
            add(&mut reply, HOST, 60, "203.0.113.66");
            spoofer.send_to(&reply.to_vec().unwrap(), from).unwrap();
        }
    });
    let resolvers = vec![Resolver::new("r", address)];
    let discovery = Discovery::new(resolvers, vec![], impatient(), Arc::new(SystemClock));
    assert_eq!(discovery.look(HOST).await.rows.remove(0).outcome, Err(Trouble::TimedOut));
    spoofing.abort();
}

#[rstest]
#[case::id(|reply: &mut Message| reply.metadata.id ^= 1, Trouble::WrongId)]
#[case::name(|reply: &mut Message| reply.queries[0].name = name("x.example"), Trouble::WrongQuestion)]
#[case::no_question(|reply: &mut Message| reply.queries.clear(), Trouble::WrongQuestion)]
#[case::two_questions(
    |reply: &mut Message| { let again = reply.queries[0].clone(); reply.add_query(again); },
    Trouble::WrongQuestion
)]
#[tokio::test]
async fn a_resolver_that_only_lies_is_told_apart_from_a_silent_one(
    #[case] lie: fn(&mut Message),
    #[case] trouble: Trouble,
) {
    let lying = move |asked: &Message| {
        let mut reply = reply_to(asked, None);
        add(&mut reply, HOST, 60, "192.0.2.1");
        lie(&mut reply);
        reply.to_vec().unwrap()
    };
    assert_eq!(answered_raw(lying, impatient()).await, Err(trouble));
}

/// Header and question of a reply, with this number of answers claimed.
fn head(asked: &Message, answers: u16) -> Vec<u8> {
    let mut reply = reply_to(asked, None);
    reply.edns = None;
    let mut bytes = reply.to_vec().unwrap();
    bytes[6..8].copy_from_slice(&answers.to_be_bytes());
    bytes
}

#[tokio::test]
async fn names_that_point_at_themselves_are_garbage() {
    let looping = |asked: &Message| {
        let mut bytes = head(asked, 1);
        let here = u16::try_from(bytes.len()).unwrap();
        bytes.extend((0xc000 | here).to_be_bytes()); // a name that begins where it begins
        bytes.extend([0, 1, 0, 1, 0, 0, 0, 60, 0, 4, 192, 0, 2, 1]);
        bytes
    };
    assert_eq!(answered_raw(looping, impatient()).await, Err(Trouble::Garbage));
    let cut = |asked: &Message| head(asked, 3);
    assert_eq!(answered_raw(cut, impatient()).await, Err(Trouble::Garbage));
    let short = |asked: &Message| asked.metadata.id.to_be_bytes().to_vec();
    assert_eq!(answered_raw(short, impatient()).await, Err(Trouble::Garbage));
}

#[tokio::test]
async fn an_answer_has_an_end() {
    let claims = |asked: &Message| head(asked, 10_000);
    let records = 10_000;
    assert_eq!(answered_raw(claims, options()).await, Err(Trouble::TooMany { records }));
    let server = Server::start(|asked, way| {
        let mut reply = reply_to(asked, None);
        reply.metadata.truncation = way == Way::Udp;
        for n in 0..if way == Way::Udp { 1 } else { 3000_u32 } {
            add(&mut reply, HOST, 60, &std::net::Ipv4Addr::from_bits(0xc633_0000 | n).to_string());
        }
        vec![reply.to_vec().unwrap()]
    })
    .await;
    let outcome = row(&server, options()).await;
    assert!(matches!(outcome, Err(Trouble::TooMany { records: 1000.. })), "{outcome:?}");
    let hundred = answered(|reply| {
        for n in 0..100 {
            add(reply, HOST, 60, &format!("192.0.2.{n}"));
        }
    });
    assert_eq!(hundred.await.unwrap().addresses.len(), 64);
}

#[tokio::test]
async fn aliases_are_followed_and_other_names_are_not() {
    let found = answered(|reply| {
        add(reply, "edge.example", 90, "192.0.2.1");
        add(reply, "other.example", 1, "192.0.2.66");
        add_alias(reply, HOST, 300, "Cloud.Example");
        add_alias(reply, "cloud.example", 45, "edge.example");
        add_alias(reply, "other.example", 1, HOST);
    })
    .await
    .unwrap();
    assert_eq!((ips(&found.addresses), found.ttl.as_secs()), (vec!["192.0.2.1".to_owned()], 45));
    let nothing = answered(|reply| add(reply, "other.example", 60, "192.0.2.66")).await.unwrap();
    assert!(nothing.addresses.is_empty());
}

#[tokio::test]
async fn aliases_in_a_circle_or_without_end_are_told() {
    let circle = answered(|reply| {
        add_alias(reply, HOST, 60, "a.example");
        add_alias(reply, "a.example", 60, HOST);
        add(reply, "a.example", 60, "192.0.2.1");
    });
    assert_eq!(circle.await, Err(Trouble::AliasLoop));
    let itself = answered(|reply| add_alias(reply, HOST, 60, HOST));
    assert_eq!(itself.await, Err(Trouble::AliasLoop));
    let endless = answered(|reply| {
        add_alias(reply, HOST, 60, "a0.example");
        for n in 0..40 {
            add_alias(reply, &format!("a{n}.example"), 60, &format!("a{}.example", n + 1));
        }
    });
    assert_eq!(endless.await, Err(Trouble::AliasLoop));
}

#[tokio::test]
async fn an_answer_that_was_cut_short_is_asked_for_over_tcp() {
    let server = Server::start(|asked, way| {
        let mut reply = reply_to(asked, None);
        reply.metadata.truncation = way == Way::Udp;
        add(&mut reply, HOST, 60, if way == Way::Udp { "192.0.2.66" } else { "192.0.2.1" });
        vec![reply.to_vec().unwrap()]
    })
    .await;
    assert_eq!(ips(&row(&server, options()).await.unwrap().addresses), ["192.0.2.1"]);
    let ways: Vec<Way> = server.questions().into_iter().map(|(_, way)| way).collect();
    assert!(ways.contains(&Way::Tcp), "{ways:?}");
}

#[rstest]
#[case::cut_again(|reply: &[u8]| framed(reply), Trouble::Garbage)]
#[case::closed(
    |_: &[u8]| vec![0],
    Trouble::Broken { detail: "closed before the answer was complete".to_owned() }
)]
#[case::half(
    |reply: &[u8]| framed(reply)[..20].to_vec(),
    Trouble::Broken { detail: "closed before the answer was complete".to_owned() }
)]
#[case::other_id(|reply: &[u8]| framed(&[&[reply[0], !reply[1]], &reply[2..]].concat()), Trouble::WrongId)]
#[case::empty(|_: &[u8]| vec![0, 0], Trouble::Garbage)]
#[tokio::test]
async fn tcp_is_believed_no_more_than_udp(
    #[case] frame: fn(&[u8]) -> Vec<u8>,
    #[case] trouble: Trouble,
) {
    let always_cut = |asked: &Message, _| {
        let mut reply = reply_to(asked, None);
        reply.metadata.truncation = true;
        vec![reply.to_vec().unwrap()]
    };
    let server = Server::with_tcp(always_cut, frame).await;
    assert_eq!(row(&server, options()).await, Err(trouble));
}

fn framed(reply: &[u8]) -> Vec<u8> {
    [&u16::try_from(reply.len()).unwrap().to_be_bytes()[..], reply].concat()
}

#[tokio::test]
async fn a_connection_that_stalls_ends() {
    let udp_only = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = udp_only.local_addr().unwrap();
    let udp = tokio::net::UdpSocket::bind(address).await.unwrap();
    let cutting = tokio::spawn(async move {
        let mut datagram = [0; 4096];
        loop {
            let (length, from) = udp.recv_from(&mut datagram).await.unwrap();
            let mut reply = reply_to(&Message::from_vec(&datagram[..length]).unwrap(), None);
            reply.metadata.truncation = true;
            udp.send_to(&reply.to_vec().unwrap(), from).await.unwrap();
        }
    });
    let resolvers = vec![Resolver::new("r", address)];
    let discovery = Discovery::new(resolvers, vec![], impatient(), Arc::new(SystemClock));
    assert_eq!(discovery.look(HOST).await.rows.remove(0).outcome, Err(Trouble::TimedOut));
    cutting.abort();
}

proptest::proptest! {
    #[test]
    fn no_bytes_break_the_reader(mut bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..600)) {
        let question = message::Question::new(HOST, message::Family::V4, Some(tokyo()), false).unwrap();
        question.read(7, &bytes).ok();
        if bytes.len() > 2 {
            bytes[..2].copy_from_slice(&[0, 7]);
            bytes[2] |= 0x80;
            question.read(7, &bytes).ok();
        }
    }
}
