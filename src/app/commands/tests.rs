use super::*;
use crate::app::order::{Request, Target, Targets};
use crate::domain::purge::Selection;

fn key(id: &str) -> AssetKey {
    AssetKey::image(id.parse().unwrap())
}

fn request(line: &str, cursor: Option<&AssetKey>, marked: &[AssetKey]) -> Result<Request, String> {
    let marked = marked.iter().cloned().collect();
    let context = Context {
        cursor: cursor.cloned(),
        marked: &marked,
        resource_type: ResourceType::Image,
        delivery_type: DeliveryType::Upload,
    };
    let (verb, args) = line.split_once(' ').unwrap_or((line, ""));
    match COMMANDS
        .iter()
        .find(|command| command.verbs.contains(&verb))
        .unwrap()
        .action(&context, args)
    {
        Ok(Action::Order(wish)) => Ok(wish.request),
        Ok(other) => panic!("{other:?}"),
        Err(why) => Err(why.message),
    }
}

#[test]
fn names_and_ids_are_unique() {
    let mut seen = BTreeSet::new();
    for command in COMMANDS {
        assert!(seen.insert(command.id), "{} twice", command.id);
        for verb in command.verbs {
            assert!(seen.insert(verb), "{verb} twice");
        }
        assert!(!command.help.is_empty(), "{} says nothing", command.id);
    }
}

#[test]
fn an_order_is_about_typed_names_then_marks_then_the_cursor() {
    let (a, b) = (key("a"), key("b"));
    let these = |request: Request| match request {
        Request::Delete(Targets::These(these)) => {
            these.iter().map(Target::label).collect::<Vec<_>>()
        }
        other => panic!("{other:?}"),
    };
    assert_eq!(
        these(request("rm x 'y z'", Some(&a), std::slice::from_ref(&b)).unwrap()),
        ["x", "y z"]
    );
    assert_eq!(these(request("delete", Some(&a), std::slice::from_ref(&b)).unwrap()), ["b"]);
    assert_eq!(these(request("rm", Some(&a), &[]).unwrap()), ["a"]);
    assert_eq!(request("rm", None, &[]).unwrap_err(), "no asset is under the cursor: name one");
}

#[test]
fn selectors_are_never_empty_or_mixed() {
    assert!(request("purge --prefix ''", None, &[]).unwrap_err().contains("everything"));
    assert!(request("purge a --tag b", None, &[]).unwrap_err().contains("not both"));
    assert!(request("purge --tag", None, &[]).unwrap_err().contains("wants a word"));
    assert!(request("purge --loud", None, &[]).unwrap_err().contains("--loud"));
    assert!(matches!(
        request("purge --prefix press/", None, &[]),
        Ok(Request::Purge(Targets::Selection(Selection::Prefix { prefix, .. }))) if prefix == "press/"
    ));
}

#[test]
fn rename_takes_the_cursor_or_names() {
    let a = key("a");
    assert!(matches!(
        request("rename b", Some(&a), &[]),
        Ok(Request::Rename { from: Target::Key(_), to: Some(to), .. }) if to == "b"
    ));
    assert!(matches!(
        request("rename b c --overwrite", Some(&a), &[]),
        Ok(Request::Rename { from: Target::Typed { .. }, to: Some(_), overwrite: true })
    ));
}
