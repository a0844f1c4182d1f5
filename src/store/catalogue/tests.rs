//! Collections come, change and go.

use super::*;

fn name(text: &str) -> CollectionName<'_> {
    CollectionName::new(text).unwrap()
}

fn create(catalogue: &Catalogue, text: &str, lsn: u64) -> Created {
    catalogue.ensure(name(text), OptionChanges::NONE, usize::MAX, |_| Lsn(lsn)).unwrap()
}

#[test]
fn a_collection_is_created_once_and_keeps_its_id() {
    let catalogue = Catalogue::new(Arc::default());
    let first = create(&catalogue, "a", 1);
    assert!(first.created);
    assert_eq!(create(&catalogue, "a", 2), Created { created: false, changed: false, ..first });
    let place = catalogue.place(Scope::Collection(name("a"))).unwrap();
    assert_eq!((place.id(), place.created()), (first.id, Lsn(1)));
}

#[test]
fn options_change_by_a_mutation_of_their_own_and_only_where_they_differ() {
    let catalogue = Catalogue::new(Arc::default());
    let ensure = |changes, lsn| {
        let issue = |options: CollectionOptions| Lsn(lsn + options.default_ttl_ms.unwrap_or(0));
        let ensured = catalogue.ensure(name("a"), changes, 1, issue).unwrap();
        (ensured.created, ensured.changed, ensured.lsn.0)
    };
    let ttl = |ttl_ms| OptionChanges { default_ttl_ms: Some(Some(ttl_ms)), ..OptionChanges::NONE };
    let conditional = OptionChanges { require_conditional: Some(true), ..OptionChanges::NONE };
    assert_eq!(ensure(ttl(5), 100), (true, true, 105), "issued with the options it has now");
    assert_eq!(ensure(ttl(5), 200), (false, false, 105));
    assert_eq!(ensure(OptionChanges::NONE, 200), (false, false, 105));
    assert_eq!(ensure(conditional, 300), (false, true, 305));
    let place = catalogue.place(Scope::Collection(name("a"))).unwrap();
    let expected = CollectionOptions { default_ttl_ms: Some(5), require_conditional: true };
    assert_eq!((place.created(), place.options(), place.options_rest_on()), (Lsn(105), expected, Lsn(305)));
    drop(place);
    assert_eq!(catalogue.list(None, usize::MAX).1, Lsn(305));
    assert_eq!(catalogue.find(name("a")).unwrap().options, expected);
}

#[test]
fn an_id_is_never_given_twice() {
    let catalogue = Catalogue::new(Arc::default());
    let first = create(&catalogue, "a", 1);
    assert_eq!(catalogue.remove(name("a"), || Lsn(2)), Dropped::Existed { id: first.id, lsn: Lsn(2) });
    let second = create(&catalogue, "a", 3);
    assert!(second.id != first.id && second.id != CollectionId::MAIN);
}

#[test]
fn an_absent_collection_rests_on_the_newest_drop() {
    let catalogue = Catalogue::new(Arc::default());
    create(&catalogue, "a", 1);
    assert_eq!(catalogue.remove(name("b"), || Lsn(9)), Dropped::Absent { rests_on: Lsn::ZERO });
    catalogue.remove(name("a"), || Lsn(2));
    create(&catalogue, "b", 3);
    let absent = catalogue.place(Scope::Collection(name("a"))).unwrap_err();
    assert_eq!(absent.rests_on, Lsn(2));
    assert_eq!(catalogue.remove(name("a"), || Lsn(9)), Dropped::Absent { rests_on: Lsn(2) });
    assert_eq!(catalogue.list(None, usize::MAX).1, Lsn(3));
}

#[test]
fn a_place_in_a_named_collection_keeps_changes_of_the_catalogue_out() {
    let catalogue = Catalogue::new(Arc::default());
    create(&catalogue, "a", 1);
    let main = catalogue.place(Scope::Main).unwrap();
    assert!(!catalogue.state.is_locked());
    let place = catalogue.place(Scope::Collection(name("a"))).unwrap();
    assert!(catalogue.state.try_write().is_none());
    drop(place);
    assert!(catalogue.state.try_write().is_some());
    drop(main);
}

#[test]
fn collections_max_bounds_new_collections_only() {
    let catalogue = Catalogue::new(Arc::default());
    create(&catalogue, "a", 1);
    let create = |text| catalogue.ensure(name(text), OptionChanges::NONE, 1, |_| Lsn(2));
    assert_eq!(create("b"), Err(TooMany));
    assert!(create("a").is_ok_and(|a| !a.created));
}

#[test]
fn a_long_list_comes_whole_and_in_byte_order() {
    for count in [0, 1, ENTRIES_PER_HOLD_MAX, ENTRIES_PER_HOLD_MAX * 3 + 1] {
        let catalogue = Catalogue::new(Arc::default());
        for number in (0..count).rev() {
            create(&catalogue, &format!("c{number:04}"), 1 + number as u64);
        }
        let (listed, rests_on) = catalogue.list(None, usize::MAX);
        let names: Vec<_> = listed.into_iter().map(|entry| entry.name).collect();
        assert_eq!(names, (0..count).map(|number| format!("c{number:04}")).collect::<Vec<_>>());
        assert_eq!(rests_on, Lsn(count as u64));
        for (start, at_most) in [(0, 1), (1, 300), (count.saturating_sub(2), 300), (0, 0), (5, 256)] {
            let behind = catalogue.list(Some(name(&format!("c{start:04}"))), at_most).0;
            let expected = (start + 1..count).take(at_most).map(|number| format!("c{number:04}"));
            assert_eq!(behind.into_iter().map(|entry| entry.name).collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        }
    }
}
