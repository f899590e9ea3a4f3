//! The caches of the cloud: edges with one or more nodes, and shields between them and storage.

use std::ops::Range;
use std::time::Duration;

use super::cache::Cache;
use crate::local_cloud::chance::Chance;
use crate::local_cloud::pops::Pop;
use crate::local_cloud::span::Spread;

/// One place where something can happen. Ordered as invalidations list them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Place {
    Edge { edge: usize, node: usize },
    Shield(usize),
    Api,
}

impl Place {
    pub(super) const FIRST: Self = Self::Edge { edge: 0, node: 0 };
    pub(super) const LAST: Self = Self::Api;

    /// A number of its own, for chance.
    #[must_use]
    pub const fn number(self) -> u64 {
        match self {
            Self::Edge { edge, node } => (edge as u64) << 8 | node as u64,
            Self::Shield(shield) => 1 << 32 | shield as u64,
            Self::Api => 1 << 33,
        }
    }
}

/// What decides which node of an edge answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NodeBy {
    /// All requests of a connection go to one node.
    #[default]
    Connection,
    /// Each request goes to any node.
    Request,
}

/// How long invalidations take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Delays {
    pub min: Duration,
    pub max: Duration,
    pub spread: Spread,
}

impl Delays {
    /// One delay, in whole milliseconds.
    #[must_use]
    pub fn draw(self, chance: Chance, topic: &str, numbers: &[u64]) -> Duration {
        let drawn = match self.spread {
            Spread::Uniform => chance.between((self.min, self.max), topic, numbers),
            Spread::Tail => chance.with_tail((self.min, self.max), topic, numbers),
        };
        Duration::from_millis(u64::try_from(drawn.as_millis()).unwrap_or(u64::MAX))
    }
}

/// What one edge has of its own.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EdgeSettings {
    pub code: String,
    pub nodes: Option<usize>,
    /// Code of its shield.
    pub shield: Option<String>,
    /// Shortest and longest time that an invalidation takes to it.
    pub propagation: Option<(Duration, Duration)>,
}

/// How the caches are laid out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NetworkSettings {
    /// Nodes of each edge.
    pub nodes: usize,
    pub node_by: NodeBy,
    pub shields: Vec<Pop>,
    pub spread: Spread,
    /// Shortest and longest time that an invalidation takes to a shield; as to an edge where nothing is said.
    pub shield_propagation: Option<(Duration, Duration)>,
    pub own: Vec<EdgeSettings>,
}

impl Default for NetworkSettings {
    fn default() -> Self {
        Self {
            nodes: 1,
            node_by: NodeBy::default(),
            shields: Vec::new(),
            spread: Spread::default(),
            shield_propagation: None,
            own: Vec::new(),
        }
    }
}

/// A location that answers clients.
#[derive(Debug)]
pub struct Edge {
    pub pop: Pop,
    /// Behind which it asks, by position.
    pub shield: Option<usize>,
    pub delays: Delays,
    caches: Range<usize>,
}

impl Edge {
    #[must_use]
    pub fn nodes(&self) -> usize {
        self.caches.len()
    }
}

/// A cache between edges and storage.
#[derive(Debug)]
pub struct Shield {
    pub pop: Pop,
    pub delays: Delays,
}

/// All caches, by one number each: nodes edge by edge, then shields.
#[derive(Debug)]
pub struct Network {
    edges: Vec<Edge>,
    shields: Vec<Shield>,
    caches: Vec<Cache>,
    places: Vec<Place>,
}

impl Network {
    /// Edges take the shields in turn, unless they say otherwise.
    #[must_use]
    pub fn new(
        pops: &[Pop],
        settings: &NetworkSettings,
        propagation: (Duration, Duration),
    ) -> Self {
        let spread = settings.spread;
        let delays = |(min, max)| Delays { min, max, spread };
        let (mut edges, mut places) = (Vec::new(), Vec::new());
        for (edge, pop) in pops.iter().enumerate() {
            let own = settings.own.iter().find(|own| own.code == pop.code);
            let nodes = own.and_then(|own| own.nodes).unwrap_or(settings.nodes).max(1);
            let first = places.len();
            places.extend((0..nodes).map(|node| Place::Edge { edge, node }));
            let named = own
                .and_then(|own| own.shield.as_deref())
                .and_then(|code| settings.shields.iter().position(|shield| shield.code == code));
            edges.push(Edge {
                pop: *pop,
                shield: named.or_else(|| edge.checked_rem(settings.shields.len())),
                delays: delays(own.and_then(|own| own.propagation).unwrap_or(propagation)),
                caches: first..first + nodes,
            });
        }
        places.extend((0..settings.shields.len()).map(Place::Shield));
        let shield_delays = delays(settings.shield_propagation.unwrap_or(propagation));
        let shield = |pop: &Pop| Shield { pop: *pop, delays: shield_delays };
        Self {
            edges,
            shields: settings.shields.iter().map(shield).collect(),
            caches: places.iter().map(|_| Cache::default()).collect(),
            places,
        }
    }

    #[must_use]
    pub fn edges(&self) -> &[Edge] {
        &self.edges
    }

    #[must_use]
    pub fn shields(&self) -> &[Shield] {
        &self.shields
    }

    /// Places of all caches, in the order of their numbers.
    #[must_use]
    pub fn places(&self) -> &[Place] {
        &self.places
    }

    /// Number of the cache at a place.
    ///
    /// # Panics
    /// The API has no cache.
    #[must_use]
    pub fn number(&self, place: Place) -> usize {
        match place {
            Place::Edge { edge, node } => self.edges[edge].caches.start + node,
            Place::Shield(shield) => self.caches.len() - self.shields.len() + shield,
            Place::Api => panic!("the API has no cache"),
        }
    }

    #[must_use]
    pub fn cache(&self, number: usize) -> &Cache {
        &self.caches[number]
    }

    pub fn cache_mut(&mut self, number: usize) -> &mut Cache {
        &mut self.caches[number]
    }

    /// Code of the `PoP` of a cache.
    #[must_use]
    pub fn code(&self, number: usize) -> &'static str {
        match self.places[number] {
            Place::Edge { edge, .. } => self.edges[edge].pop.code,
            Place::Shield(shield) => self.shields[shield].pop.code,
            Place::Api => "",
        }
    }

    /// Numbers of the caches of an edge.
    #[must_use]
    pub fn nodes(&self, edge: usize) -> Range<usize> {
        self.edges[edge].caches.clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::local_cloud::pops::POPS;

    #[test]
    fn caches_are_numbered_node_by_node_then_shield_by_shield() {
        let second = (Duration::from_secs(1), Duration::from_secs(1));
        let own = EdgeSettings {
            code: POPS[1].code.to_owned(),
            nodes: Some(4),
            shield: Some(POPS[5].code.to_owned()),
            propagation: None,
        };
        let settings = NetworkSettings {
            shields: vec![POPS[4], POPS[5]],
            own: vec![own],
            ..NetworkSettings::default()
        };
        let network = Network::new(&POPS[..3], &settings, second);
        let numbers: Vec<usize> =
            network.places().iter().map(|place| network.number(*place)).collect();
        assert_eq!(numbers, (0..8).collect::<Vec<_>>());
        assert_eq!([0, 4, 5, 6, 7].map(|n| network.code(n)), ["FRA", "SIN", "IAD", "GRU", "SYD"]);
        let shields: Vec<_> = network.edges().iter().map(|edge| edge.shield).collect();
        assert_eq!(shields, [Some(0), Some(1), Some(0)]);
        assert_eq!(network.nodes(1), 1..5);
    }
}
