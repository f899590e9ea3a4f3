//! More edges than this host's own resolver knows: several resolvers, asked on behalf of several networks.
//!
//! A CDN that maps names to edges answers by the resolver's address, or by the client subnet that a question
//! carries (EDNS option 8, RFC 7871). Each resolver is asked plainly and once for each named subnet, for IPv4 and
//! IPv6, over an exchange of our own: no resolver library lets a question carry the option. What a resolver does
//! (refuse, lie, loop, keep silent) is a state in the [`Listing`] and never an error of the whole.
//!
//! Addresses are not caches: sightings are grouped by the `PoP` that answers. Anycast leads to the nearest edge
//! whatever is asked here; only other vantage points help there.

mod exchange;
mod listing;
mod message;
mod pinned;
mod quota;
mod subnet;

#[cfg(test)]
mod tests;

pub use listing::{DiscoveredPlaces, Discovery, DiscoveryOptions, FoundPlace, Listing, Row};
pub use message::{Found, Tag, Trouble};
pub use pinned::{VendorPinnedPlaces, diagnostic, pinned_hosts};
pub use subnet::{BadResolver, BadSubnet, Resolver, Subnet};

/// Reads bytes as the message of a resolver.
#[cfg(any(test, fuzzing))]
pub(crate) fn untrusted(bytes: &[u8]) {
    let question = message::Question::new("media.acme.test", message::Family::V4, None, false);
    let question = question.expect("a plain name");
    // the ID is the one that was asked with, as anybody on the way may know it
    let id = bytes.first_chunk().map_or(0, |id| u16::from_be_bytes(*id));
    if let Ok(message::Reply::Found(found)) = question.read(id, bytes) {
        assert!(found.addresses.len() <= bytes.len(), "no address from nothing");
    }
}
