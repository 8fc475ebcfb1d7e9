//! Names of the test network (RFC 1035): one question, IPv4 answers.

use core::net::Ipv4Addr;
use std::collections::BTreeMap;

use smoltcp::wire::{DnsFlags, DnsPacket, DnsQueryType, DnsQuestion, DnsRcode};

/// Port of a name server.
pub(crate) const DNS_PORT: u16 = 53;

/// Seconds that an answer may be kept: short, since tests change names.
const TTL_S: u32 = 5;
const HEADER_LEN: usize = 12;
/// A name that repeats the one at the message's start (RFC 1035, 4.1.4).
const POINTER_TO_QUESTION: [u8; 2] = [0xc0, 12];
const CLASS_IN: u16 = 1;

/// What the name server knows and whether it answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DnsSettings {
    /// A server that is off never answers.
    pub is_on: bool,
    /// Addresses by lower-case name without a dot at its end. A name without addresses exists, but answers nothing.
    pub names: BTreeMap<String, Vec<Ipv4Addr>>,
}

impl Default for DnsSettings {
    /// On, without a name.
    fn default() -> Self {
        Self { is_on: true, names: BTreeMap::new() }
    }
}

/// The answer to `query`, and whether its name exists; `None` when it is no question to answer.
pub(crate) fn answer(names: &BTreeMap<String, Vec<Ipv4Addr>>, query: &[u8]) -> Option<(Vec<u8>, bool)> {
    let packet = DnsPacket::new_checked(query).ok()?;
    if packet.flags().contains(DnsFlags::RESPONSE) || packet.question_count() != 1 {
        return None;
    }
    let (_, question) = DnsQuestion::parse(packet.payload()).ok()?;
    let known = names.get(&read_name(&packet, question.name)?);
    let addresses = match known {
        Some(addresses) if question.type_ == DnsQueryType::A => addresses.as_slice(),
        Some(_) | None => &[],
    };
    // More would not fit into the 512 bytes of 4.2.1.
    let addresses = addresses.get(..addresses.len().min(16))?;
    let rcode = if known.is_some() { DnsRcode::NoError } else { DnsRcode::NXDomain };
    Some((write(&packet, &question, rcode, addresses), known.is_some()))
}

fn read_name(packet: &DnsPacket<&[u8]>, name: &[u8]) -> Option<String> {
    let mut labels = Vec::new();
    for label in packet.parse_name(name) {
        labels.push(core::str::from_utf8(label.ok()?).ok()?.to_ascii_lowercase());
    }
    Some(labels.join("."))
}

fn write(
    query: &DnsPacket<&[u8]>,
    question: &DnsQuestion<'_>,
    rcode: DnsRcode,
    addresses: &[Ipv4Addr],
) -> Vec<u8> {
    let asked = query.flags() & DnsFlags::RECURSION_DESIRED;
    let flags = DnsFlags::RESPONSE | DnsFlags::AUTHORITATIVE | DnsFlags::RECURSION_AVAILABLE | asked;
    let answers = u16::try_from(addresses.len()).unwrap_or(0);
    let mut out = Vec::with_capacity(HEADER_LEN + question.buffer_len() + 16 * addresses.len());
    let words = [query.transaction_id(), flags.bits() | u16::from(u8::from(rcode)), 1, answers, 0, 0];
    out.extend(words.into_iter().flat_map(u16::to_be_bytes));
    out.extend_from_slice(question.name);
    out.extend(u16::from(question.type_).to_be_bytes());
    out.extend(CLASS_IN.to_be_bytes());
    for address in addresses {
        out.extend(POINTER_TO_QUESTION);
        out.extend(u16::from(DnsQueryType::A).to_be_bytes());
        out.extend(CLASS_IN.to_be_bytes());
        out.extend(TTL_S.to_be_bytes());
        out.extend(4_u16.to_be_bytes());
        out.extend(address.octets());
    }
    out
}

#[cfg(test)]
mod tests {
    use smoltcp::wire::{DnsOpcode, DnsRecord, DnsRecordData, DnsRepr};

    use super::*;

    const EDGE: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);

    fn ask(name: &[u8], type_: DnsQueryType) -> Vec<u8> {
        let repr = DnsRepr {
            transaction_id: 0x1234,
            opcode: DnsOpcode::Query,
            flags: DnsFlags::RECURSION_DESIRED,
            question: DnsQuestion { name, type_ },
        };
        let mut query = vec![0; repr.buffer_len()];
        repr.emit(&mut DnsPacket::new_unchecked(&mut query[..]));
        query
    }

    fn names() -> BTreeMap<String, Vec<Ipv4Addr>> {
        [("edge.livesky.test".to_owned(), vec![EDGE])].into()
    }

    #[test]
    fn known_names_unknown_names_and_other_types() {
        let cases: [(&[u8], DnsQueryType, DnsRcode, u16); 4] = [
            (b"\x04Edge\x07livesky\x04test\0", DnsQueryType::A, DnsRcode::NoError, 1),
            (b"\x04edge\x07livesky\x04test\0", DnsQueryType::Aaaa, DnsRcode::NoError, 0),
            (b"\x04core\x07livesky\x04test\0", DnsQueryType::A, DnsRcode::NXDomain, 0),
            (b"\0", DnsQueryType::A, DnsRcode::NXDomain, 0),
        ];
        for (name, type_, rcode, answers) in cases {
            let (bytes, is_known) = answer(&names(), &ask(name, type_)).unwrap();
            let packet = DnsPacket::new_checked(&bytes[..]).unwrap();
            assert_eq!(packet.rcode(), rcode);
            assert_eq!(is_known, rcode == DnsRcode::NoError);
            assert_eq!(packet.transaction_id(), 0x1234);
            assert!(packet.flags().contains(DnsFlags::RESPONSE | DnsFlags::RECURSION_DESIRED));
            assert_eq!(packet.answer_record_count(), answers);
            let (rest, question) = DnsQuestion::parse(packet.payload()).unwrap();
            assert_eq!((question.name, question.type_), (name, type_));
            if answers == 1 {
                let (rest, record) = DnsRecord::parse(rest).unwrap();
                assert_eq!(record.data, DnsRecordData::A(EDGE));
                assert!(rest.is_empty());
            }
        }
    }

    #[test]
    fn what_is_no_question_gets_no_answer() {
        let query = ask(b"\x04edge\x07livesky\x04test\0", DnsQueryType::A);
        for len in 0..query.len() {
            assert_eq!(answer(&names(), &query[..len]), None, "{len}");
        }
        let mut response = query.clone();
        response[2] |= 0x80;
        assert_eq!(answer(&names(), &response), None);
        let mut two = query;
        two[5] = 2;
        assert_eq!(answer(&names(), &two), None);
    }
}
