//! What is delivered is what was asked for, as any decoder sees it; remote files; lists by tag.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::http::{StatusCode, header as names};
use axum::response::IntoResponse as _;
use axum::routing::get;
use image::ImageFormat;
use rstest::rstest;
use serde_json::{Value, json};

use super::{Rig, header, told};
use crate::domain::delivery_url::{SignatureKind, sign};

/// Content type, real format and real size.
async fn looked_at(rig: &Rig, path: &str, accept: &str) -> (String, ImageFormat, (u32, u32)) {
    let call = rig.http.get(rig.edge(0, path)).header("accept", accept);
    let response = call.send().await.unwrap();
    assert_eq!(response.status(), 200, "{path}: {:?}", response.headers().get("x-cld-error"));
    let kind = header(&response, "content-type").to_owned();
    let bytes = response.bytes().await.unwrap();
    let format = image::guess_format(&bytes).unwrap();
    let picture = image::load_from_memory(&bytes).unwrap();
    (kind, format, (picture.width(), picture.height()))
}

/// `logo` is a PNG of 240 x 160 pixels or so: sizes are given in full.
#[rstest]
#[case("w_50,h_40,c_scale/logo.png", "image/png", ImageFormat::Png, (50, 40))]
#[case("w_50,h_40,c_fill/logo.jpg", "image/jpeg", ImageFormat::Jpeg, (50, 40))]
#[case("w_50,h_40,c_pad,b_rgb:ff0000/logo.webp", "image/webp", ImageFormat::WebP, (50, 40))]
#[case("w_50,h_40,c_thumb,g_face/logo.gif", "image/gif", ImageFormat::Gif, (50, 40))]
#[case("w_50,h_40,c_crop,g_north_west/logo", "image/png", ImageFormat::Png, (50, 40))]
#[case("w_50,h_40,c_fill/a_90/logo.png", "image/png", ImageFormat::Png, (40, 50))]
#[case("w_50,ar_1:1,c_fill,dpr_2.0/logo.png", "image/png", ImageFormat::Png, (100, 100))]
#[case("t_card/logo.png", "image/png", ImageFormat::Png, (160, 90))]
// there is no encoder for these: the next best kind, under its own name
#[case("w_50,h_40/logo.avif", "image/webp", ImageFormat::WebP, (50, 40))]
#[case("w_50,h_40,f_avif/logo.jpg", "image/webp", ImageFormat::WebP, (50, 40))]
#[case("w_50,h_40/logo.heic", "image/png", ImageFormat::Png, (50, 40))]
#[case("w_50,h_40,q_auto:low,f_jpg/logo.png", "image/jpeg", ImageFormat::Jpeg, (50, 40))]
#[tokio::test]
async fn transformations_are_really_carried_out(
    #[case] path: &str,
    #[case] kind: &str,
    #[case] format: ImageFormat,
    #[case] size: (u32, u32),
) {
    let rig = Rig::new().await;
    let seen = looked_at(&rig, &format!("/demo/image/upload/{path}"), "*/*").await;
    assert_eq!(seen, (kind.to_owned(), format, size));
}

#[tokio::test]
async fn automatic_format_gives_each_client_what_it_reads() {
    let rig = Rig::new().await;
    let path = "/demo/image/upload/f_auto,q_auto,dpr_auto,w_50,h_40/logo.png";
    for (accept, kind) in [
        ("*/*", "image/png"),
        ("image/webp,*/*", "image/webp"),
        ("image/avif,image/webp,*/*", "image/webp"),
        ("image/png", "image/png"),
    ] {
        assert_eq!(looked_at(&rig, path, accept).await.0, kind, "{accept}");
    }
    assert_eq!(header(&rig.seen(0, path).await, "vary"), "Accept");
    assert_eq!(header(&rig.seen(0, "/demo/image/upload/f_png/logo.png").await, "vary"), "");
}

#[tokio::test]
async fn uploaded_pictures_are_resized_and_bombs_are_not_unpacked() {
    let rig = Rig::new().await;
    let mut files = Vec::new();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP, ImageFormat::Gif] {
        let mut file = std::io::Cursor::new(Vec::new());
        let byte = |n: u32| u8::try_from(n).unwrap();
        let picture =
            image::RgbImage::from_fn(64, 48, |x, y| image::Rgb([byte(x * 4), byte(y * 5), 9]));
        picture.write_to(&mut file, format).unwrap();
        files.push((format, file.into_inner()));
    }
    for (at, (format, file)) in files.iter().enumerate() {
        store(&rig, &format!("up{at}"), file).await;
        let extension = format.extensions_str()[0];
        let path = format!("/demo/image/upload/w_32/up{at}.{extension}");
        assert_eq!(looked_at(&rig, &path, "*/*").await.2, (32, 24), "{format:?}");
    }
    // a header that promises 3,600 megapixels
    let mut bomb = files[0].1.clone();
    bomb[16..24].copy_from_slice(&[0, 0, 0xea, 0x60, 0, 0, 0xea, 0x60]);
    let crc = crc32(&bomb[12..29]).to_be_bytes();
    bomb[29..33].copy_from_slice(&crc);
    store(&rig, "bomb", &bomb).await;
    let refused = rig.seen(0, "/demo/image/upload/w_10/bomb.png").await;
    assert_eq!(refused.status(), 400);
    let reason = "Maximum image size is 25 Megapixels. Requested 3600.0 Megapixels";
    assert_eq!(header(&refused, "x-cld-error"), reason);
    let large = rig.seen(0, "/demo/image/upload/w_9000,h_9000/logo.png").await;
    assert_eq!(large.status(), 400);
    // the file itself is delivered as it is
    assert_eq!(rig.seen(0, "/demo/image/upload/bomb.png").await.status(), 200);
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    })
}

async fn store(rig: &Rig, id: &str, file: &[u8]) {
    use base64::Engine as _;
    let data = base64::engine::general_purpose::STANDARD.encode(file);
    let mut fields = rig.signed(&[("public_id", id)]);
    fields.push(("file".to_owned(), format!("data:image/png;base64,{data}")));
    let (status, answer) = told(rig.http.post(rig.api("image/upload")).form(&fields)).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test]
async fn a_list_by_tag_is_restricted_and_opens_with_a_signature() {
    let rig = Rig::new().await;
    let closed = rig.seen(0, "/demo/image/list/brand.json").await;
    assert_eq!(
        (closed.status().as_u16(), header(&closed, "x-cld-error")),
        (401, "Images of type list are restricted in this account")
    );
    let secret = rig.cloud.ready.api_secret.clone().into();
    let signed = |name: &str| {
        format!("/demo/image/list/s--{}--/{name}", sign(name, &secret, SignatureKind::default()))
    };
    let list = rig.seen(0, &signed("brand.json")).await;
    assert_eq!(header(&list, "content-type"), "application/json");
    assert_eq!(header(&list, "cache-control"), "public, max-age=60");
    let list: Value = list.json().await.unwrap();
    let (_, tagged) = rig.get("resources/image/tags/brand?max_results=500").await;
    let ids = |answer: &Value| -> Vec<Value> {
        answer["resources"].as_array().unwrap().iter().map(|one| one["public_id"].clone()).collect()
    };
    assert_eq!(ids(&list), ids(&tagged));
    assert_eq!(list["resources"][0]["type"], "upload");
    // sixty seconds at the edge
    let hit = async || header(&rig.seen(0, &signed("brand.json")).await, "x-cache").to_owned();
    assert_eq!(hit().await, "HIT");
    rig.local(reqwest::Method::POST, "clock", json!({"advance": "61s"})).await;
    assert_eq!(hit().await, "MISS");
    assert_eq!(rig.seen(0, &signed("no-such-tag.json")).await.status(), 404);
}

/// A server on this host that counts who asks.
struct Remote {
    url: String,
    picture: Arc<Mutex<Vec<u8>>>,
    asked: Arc<AtomicUsize>,
}

fn picture(width: u32) -> Vec<u8> {
    let mut file = std::io::Cursor::new(Vec::new());
    image::RgbImage::new(width, 10).write_to(&mut file, ImageFormat::Png).unwrap();
    file.into_inner()
}

impl Remote {
    async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shown = Arc::new(Mutex::new(picture(20)));
        let asked = Arc::new(AtomicUsize::new(0));
        let (source, count) = (shown.clone(), asked.clone());
        let file = move |uri: axum::http::Uri| {
            count.fetch_add(1, Ordering::SeqCst);
            let found = uri.query().is_none_or(|query| query == "x=1");
            let file = source.lock().unwrap().clone();
            async move {
                if found { file.into_response() } else { StatusCode::NOT_FOUND.into_response() }
            }
        };
        let to =
            |place: String| move || async move { (StatusCode::FOUND, [(names::LOCATION, place)]) };
        let large = || async { vec![0_u8; 21 * 1024 * 1024] };
        let router = Router::new()
            .route("/p.png", get(file))
            .route("/moved", get(to("/p.png".to_owned())))
            .route("/abroad", get(to("http://example.com/p.png".to_owned())))
            .route("/around", get(to("/around".to_owned())))
            .route("/large", get(large));
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { url, picture: shown, asked }
    }

    fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn remote_files_are_read_once_and_stored_under_their_address() {
    let (rig, remote) = (Rig::new().await, Remote::start().await);
    let address = format!("{}/p.png", remote.url);
    let fetched = format!("/demo/image/fetch/{address}");
    assert_eq!(looked_at(&rig, &fetched, "*/*").await.2, (20, 10));
    let smaller = format!("/demo/image/fetch/w_10,f_jpg/{address}");
    assert_eq!(
        looked_at(&rig, &smaller, "*/*").await,
        ("image/jpeg".into(), ImageFormat::Jpeg, (10, 5))
    );
    assert_eq!(rig.seen(1, &fetched).await.status(), 200);
    assert_eq!(remote.asked(), 1, "storage has it");
    let (_, listed) = rig.get("resources/image/fetch").await;
    assert_eq!(listed["resources"][0]["public_id"], json!(address));
    // a query belongs to the address only if it is escaped
    assert_eq!(rig.seen(0, &format!("{fetched}?x=2")).await.status(), 200);
    assert_eq!(remote.asked(), 1);
    assert_eq!(rig.seen(0, &format!("{fetched}%3Fx%3D1")).await.status(), 200);
    assert_eq!(remote.asked(), 2);
    assert_eq!(rig.seen(0, &format!("{fetched}%3Fx%3D2")).await.status(), 404);
    assert_eq!(
        looked_at(&rig, &format!("/demo/image/fetch/{}/moved", remote.url), "*/*").await.2,
        (20, 10)
    );

    // what changes there is not seen here until somebody says so
    *remote.picture.lock().unwrap() = picture(40);
    assert_eq!(
        looked_at(&rig, &format!("/demo/image/fetch/v5/{address}"), "*/*").await.2,
        (20, 10)
    );
    let purge = [("public_id", address.as_str()), ("type", "fetch"), ("invalidate", "true")];
    let (status, answer) = rig.upload_call("image/explicit", &purge).await;
    assert_eq!(status, 200, "{answer}");
    rig.cleared().await;
    assert_eq!(looked_at(&rig, &fetched, "*/*").await.2, (40, 10));
    assert_eq!(looked_at(&rig, &smaller, "*/*").await.2, (10, 3));
    *remote.picture.lock().unwrap() = picture(60);
    assert_eq!(rig.upload_call("image/destroy", &purge).await.1["result"], "ok");
    rig.cleared().await;
    assert_eq!(looked_at(&rig, &fetched, "*/*").await.2, (60, 10));
}

#[tokio::test]
async fn remote_files_are_read_from_this_host_only_and_within_bounds() {
    let (rig, remote) = (Rig::new().await, Remote::start().await);
    let own = rig.cloud.ready.edges[0].url.clone();
    let restricted = "Images of type fetch are restricted in this account";
    for (address, error) in [
        ("https://example.com/p.png".to_owned(), restricted.to_owned()),
        ("http://192.0.2.1/p.png".to_owned(), restricted.to_owned()),
        (format!("{}/abroad", remote.url), format!("Resource not found - {}/abroad", remote.url)),
        (format!("{}/around", remote.url), format!("Resource not found - {}/around", remote.url)),
        (format!("{}/large", remote.url), format!("Resource not found - {}/large", remote.url)),
        (format!("{}/gone", remote.url), format!("Resource not found - {}/gone", remote.url)),
        (
            format!("{own}/demo/image/upload/logo.png"),
            format!("Resource not found - {own}/demo/image/upload/logo.png"),
        ),
    ] {
        let refused = rig.seen(0, &format!("/demo/image/fetch/{address}")).await;
        assert_eq!((refused.status().as_u16(), header(&refused, "x-cld-error")), (404, &*error));
    }
    assert_eq!(remote.asked(), 0);
    // a refusal is kept: nobody is asked again
    let gone = format!("/demo/image/fetch/{}/p.png%3Fx%3D9", remote.url);
    assert_eq!(
        (rig.seen(0, &gone).await.status(), rig.seen(0, &gone).await.status()),
        (StatusCode::NOT_FOUND, StatusCode::NOT_FOUND)
    );
    assert_eq!(remote.asked(), 1);
}
