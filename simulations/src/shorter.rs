//! Makes a list shorter while something stays true of it: delta debugging, after Zeller and Hildebrandt,
//! "Simplifying and isolating failure-inducing input" (2002).

/// The shortest part of a list, in its order, that `holds` was found true of within so many tries; nothing if
/// it is not true of the whole.
pub fn shortest<T: Clone>(items: Vec<T>, tries: usize, mut holds: impl FnMut(&[T]) -> bool) -> Vec<T> {
    if !holds(&items) {
        return Vec::new();
    }
    let (mut items, mut left, mut parts) = (items, tries.saturating_sub(1), 2);
    while items.len() > 1 && left > 0 {
        let size = items.len().div_ceil(parts);
        let mut shorter = None;
        for begin in (0..items.len()).step_by(size) {
            if left == 0 {
                break;
            }
            left -= 1;
            let without: Vec<T> = items
                .iter()
                .enumerate()
                .filter(|(at, _)| !(begin..begin + size).contains(at))
                .map(|(_, item)| item.clone())
                .collect();
            if holds(&without) {
                shorter = Some(without);
                break;
            }
        }
        match shorter {
            Some(shorter) => (items, parts) = (shorter, parts.saturating_sub(1).max(2)),
            None if size == 1 => break,
            None => parts = (parts * 2).min(items.len()),
        }
    }
    items
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_needed_stays_and_nothing_else() {
        let needs = |items: &[u32]| [3, 17, 99].iter().all(|needed| items.contains(needed));
        assert_eq!(shortest((0..200).collect(), 1_000, needs), [3, 17, 99]);
        assert!(shortest((0..200).collect(), 1_000, |_| false).is_empty());
        let few = shortest((0..200).collect(), 5, needs);
        assert!(needs(&few) && few.len() < 200, "as far as the tries go");
    }
}
