//! What is packed comes out as it was.

use proptest::prelude::*;

use super::record::url_tail;
use super::*;
use crate::domain::asset::{Asset, AssetKey, DeliveryType, ResourceType};
use crate::domain::public_id::PublicId;
use crate::domain::time::Timestamp;

fn text() -> impl Strategy<Value = String> {
    prop_oneof!["[a-z]{1,8}", "[A-Za-z0-9é漢 ]{0,12}"]
}

prop_compose! {
    fn asset()(
        name in "[a-zA-Zé漢]{1,6}(/[a-z0-9_-]{1,12}){0,3}",
        kind in 0_usize..3,
        delivery in 0_usize..14,
        version in prop_oneof![0_u64..10, 1_500_000_000_u64..1_900_000_000, Just(u64::MAX)],
        bytes in any::<u64>(),
        ids in (prop::option::of("[0-9a-f]{32}"), prop::option::of(prop_oneof!["[0-9a-f]{32}", "[A-F]{1,40}"])),
        format in prop::option::of("jpg|png|webp"),
        sides in (prop::option::of(any::<u32>()), prop::option::of(any::<u32>())),
        created in prop_oneof![Just(None), Just(Some(None)), (0_i64..2_000_000_000, 0_i32..1_000_000_000).prop_map(|at| Some(Some(at)))],
        folder in prop_oneof![Just(None), Just(Some(None)), text().prop_map(|it| Some(Some(it)))],
        title in prop_oneof![Just(None), Just(Some(None)), text().prop_map(|it| Some(Some(it)))],
        tags in prop::collection::vec(text(), 0..4),
        url in prop_oneof![Just(None), Just(Some(None)), text().prop_map(|it| Some(Some(it)))],
        placeholder in any::<bool>(),
    ) -> Asset {
        let (above, last) = name.rsplit_once('/').unwrap_or(("", &name));
        let mut asset = Asset {
            key: AssetKey {
                resource_type: ResourceType::ALL[kind],
                delivery_type: DeliveryType::ALL[delivery],
                public_id: PublicId::from_cloud(&name).unwrap(),
            },
            asset_id: ids.0,
            version,
            format,
            bytes,
            width: sides.0,
            height: sides.1,
            etag: ids.1,
            created_at: created.map(|at| match at {
                Some((second, nanos)) => Timestamp::new(second, nanos).unwrap(),
                None => Timestamp::from_second(i64::try_from(version).unwrap_or(5).min(2_000_000_000)).unwrap(),
            }),
            asset_folder: folder.map(|it| it.unwrap_or_else(|| above.to_owned())),
            display_name: title.map(|it| it.unwrap_or_else(|| last.to_owned())),
            tags,
            secure_url: None,
            placeholder,
        };
        asset.secure_url = url.map(|it| it.unwrap_or_else(|| format!("https://h/c/image/upload/{}", url_tail(&asset))));
        asset
    }
}

proptest! {
    #[test]
    fn what_is_packed_comes_out_as_it_was(assets in prop::collection::vec(asset(), 0..30)) {
        let chunk = Chunk::of(&assets);
        let copy = Chunk::from_bytes(&chunk.to_bytes()).unwrap();
        prop_assert_eq!(&copy, &chunk);
        let unpacked: Vec<Asset> = copy.assets().collect();
        prop_assert_eq!(&unpacked, &assets);
        for (at, asset) in assets.iter().enumerate() {
            prop_assert_eq!(chunk.name(at), Some(asset.key.public_id.as_str()));
            prop_assert_eq!(chunk.key(at), Some(asset.key.clone()));
            prop_assert_eq!(chunk.version_and_bytes(at), Some((asset.version, asset.bytes)));
            prop_assert_eq!(chunk.kind(at), Some((asset.key.resource_type, asset.format.as_deref())));
            let first = assets.iter().position(|other| other.key == asset.key);
            prop_assert_eq!(chunk.find(&asset.key), first);
        }
    }

    #[test]
    fn damaged_bytes_are_refused_or_read_without_harm(
        assets in prop::collection::vec(asset(), 1..8),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = Chunk::of(&assets).to_bytes();
        let len = bytes.len();
        bytes[at.index(len)] = byte;
        if byte.is_multiple_of(4) {
            bytes.truncate(cut.index(len));
        }
        if let Some(chunk) = Chunk::from_bytes(&bytes) {
            let _ = chunk.assets().count();
            let _ = (0..chunk.len()).filter_map(|at| chunk.kind(at)).count();
        }
    }
}

#[test]
fn a_row_takes_about_eighty_bytes() {
    let assets: Vec<Asset> = (0..500)
        .map(|n| {
            let name = format!("marketing/2026/autumn/packshot-{n:06}");
            let mut asset = Asset {
                key: AssetKey::image(name.parse().unwrap()),
                asset_id: Some(format!("{n:032x}")),
                version: 1_700_000_000 + n,
                format: Some("jpg".into()),
                bytes: 300_000 + n,
                width: Some(1600),
                height: Some(900),
                etag: None,
                created_at: Some(
                    Timestamp::from_second(1_700_000_000 + i64::try_from(n).unwrap()).unwrap(),
                ),
                asset_folder: Some("marketing/2026/autumn".into()),
                display_name: Some(format!("packshot-{n:06}")),
                tags: Vec::new(),
                secure_url: None,
                placeholder: false,
            };
            asset.secure_url = Some(format!("https://res/demo/image/upload/{}", url_tail(&asset)));
            asset
        })
        .collect();
    let bytes = Chunk::of(&assets).to_bytes().len() / 500;
    assert!(bytes <= 84, "{bytes} bytes a row");
}
