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
