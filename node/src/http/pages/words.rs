//! What the pages say, in the reader's language: a catalog of messages for each, and how money, sizes
//! and times are written. The catalogs are Fluent files below `locales`, one for each screen.

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use souk_protocol::money::Amount;
use std::sync::LazyLock;

/// Languages of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Lang {
    En,
    De,
    Ar,
}

impl Lang {
    pub(super) const ALL: [Self; 3] = [Self::En, Self::De, Self::Ar];

    /// Its BCP 47 tag.
    pub(super) fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::De => "de",
            Self::Ar => "ar",
        }
    }
    /// What it calls itself.
    pub(super) fn own_name(self) -> &'static str {
        match self {
            Self::En => "English",
            Self::De => "Deutsch",
            Self::Ar => "العربية",
        }
    }
    /// Which way it is read.
    pub(super) fn dir(self) -> &'static str {
        match self {
            Self::Ar => "rtl",
            Self::En | Self::De => "ltr",
        }
    }
    pub(super) fn of_code(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|lang| lang.code() == code)
    }

    /// The first language of an `Accept-Language` that the pages have; English if there is none.
    pub(super) fn accepted(header: &str) -> Self {
        let weighed = header.split(',').filter_map(|range| {
            let (tag, weight) = range.split_once(';').unwrap_or((range, "q=1"));
            let lang = Self::of_code(tag.trim().split('-').next()?)?;
            let weight: f32 = weight.trim().strip_prefix("q=")?.parse().ok()?;
            (weight > 0.0).then_some((lang, weight))
        });
        // Of equal weights the first counts.
        let best = weighed.reduce(|best, next| if next.1 > best.1 { next } else { best });
        best.map_or(Self::En, |(lang, _)| lang)
    }
}

macro_rules! catalog {
    ($lang:literal) => {
        [
            include_str!(concat!("locales/", $lang, "/frame.ftl")),
            include_str!(concat!("locales/", $lang, "/talk.ftl")),
            include_str!(concat!("locales/", $lang, "/market.ftl")),
            include_str!(concat!("locales/", $lang, "/orders.ftl")),
            include_str!(concat!("locales/", $lang, "/money.ftl")),
            include_str!(concat!("locales/", $lang, "/people.ftl")),
            include_str!(concat!("locales/", $lang, "/shop.ftl")),
            include_str!(concat!("locales/", $lang, "/node.ftl")),
        ]
    };
}

fn sources(lang: Lang) -> [&'static str; 8] {
    match lang {
        Lang::En => catalog!("en"),
        Lang::De => catalog!("de"),
        Lang::Ar => catalog!("ar"),
    }
}

static BUNDLES: LazyLock<[FluentBundle<FluentResource>; 3]> = LazyLock::new(|| Lang::ALL.map(bundle));

fn bundle(lang: Lang) -> FluentBundle<FluentResource> {
    let tag = lang.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![tag]);
    // Names within an Arabic sentence may run the other way; elsewhere the marks would only be copied along.
    bundle.set_use_isolating(lang.dir() == "rtl");
    for source in sources(lang) {
        // What is wrong with a file is found by the tests; here the rest of it is used.
        let resource = FluentResource::try_new(source.to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource(resource).ok();
    }
    bundle
}

/// A message in a language; its key if there is none.
pub(super) fn message(lang: Lang, key: &str, args: Option<&FluentArgs<'_>>) -> String {
    let [en, de, ar] = &*BUNDLES;
    let bundle = match lang {
        Lang::En => en,
        Lang::De => de,
        Lang::Ar => ar,
    };
    let Some(pattern) = bundle.get_message(key).and_then(|message| message.value()) else {
        return key.to_owned();
    };
    bundle.format_pattern(pattern, args, &mut Vec::new()).into_owned()
}

/// Arguments of a message, by name.
pub(super) fn args<'a, const N: usize>(pairs: [(&'a str, FluentValue<'a>); N]) -> FluentArgs<'a> {
    pairs.into_iter().collect()
}

/// Whether there is such a message.
pub(super) fn has(key: &str) -> bool {
    BUNDLES.iter().all(|bundle| bundle.has_message(key))
}

/// An amount with its currency, as the language writes it. Digits are the same everywhere: a sum that is
/// compared with a bank's paper must look like it.
pub(super) fn money(lang: Lang, amount: &Amount) -> String {
    let digits = number(lang, amount.minor.unsigned_abs(), amount.currency.exponent());
    let sign = if amount.minor < 0 { "\u{2212}" } else { "" };
    let code = amount.currency.code();
    let symbol = match code {
        "EUR" => "€",
        "GBP" => "£",
        "USD" if lang == Lang::En => "$",
        other => other,
    };
    match lang {
        Lang::En if symbol.chars().count() == 1 => format!("{sign}{symbol}{digits}"),
        Lang::En => format!("{sign}{symbol}\u{a0}{digits}"),
        Lang::De | Lang::Ar => format!("{sign}{digits}\u{a0}{symbol}"),
    }
}

fn number(lang: Lang, minor: u64, exponent: u8) -> String {
    let (group, point) = match lang {
        Lang::En | Lang::Ar => (',', '.'),
        Lang::De => ('.', ','),
    };
    let unit = 10_u64.pow(u32::from(exponent));
    let whole = grouped(minor / unit, group);
    match exponent {
        0 => whole,
        places => format!(
            "{whole}{point}{:0places$}",
            minor % unit,
            places = usize::from(places)
        ),
    }
}

/// A whole number, as the language writes it.
pub(super) fn number_grouped(lang: Lang, whole: u64) -> String {
    grouped(whole, if lang == Lang::De { '.' } else { ',' })
}

fn grouped(whole: u64, group: char) -> String {
    let digits = whole.to_string();
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(group);
        }
        grouped.push(digit);
    }
    grouped
}

/// An amount as a field of a form holds it: no currency, no groups, a point.
pub(super) fn plain_amount(amount: &Amount) -> String {
    let unit = 10_u64.pow(u32::from(amount.currency.exponent()));
    let (minor, sign) = (
        amount.minor.unsigned_abs(),
        if amount.minor < 0 { "-" } else { "" },
    );
    match usize::from(amount.currency.exponent()) {
        0 => format!("{sign}{minor}"),
        places => format!("{sign}{}.{:0places$}", minor / unit, minor % unit),
    }
}

/// A size in bytes, as a person reads it.
pub(super) fn size(lang: Lang, bytes: u64) -> String {
    let steps = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut tenths = bytes.saturating_mul(10);
    let mut unit = 0;
    while tenths >= 10_240 && unit + 1 < steps.len() {
        tenths /= 1_024;
        unit += 1;
    }
    let unit_name = steps.get(unit).copied().unwrap_or_default();
    let digits = match unit == 0 || tenths >= 1_000 {
        true => grouped(tenths / 10, if lang == Lang::De { '.' } else { ',' }),
        false => number(lang, tenths, 1),
    };
    format!("{digits}\u{a0}{unit_name}")
}

/// How long ago something was, in one unit; a date when it is over a week.
pub(super) fn ago(lang: Lang, now_ms: u64, then_ms: u64) -> String {
    let seconds = now_ms.saturating_sub(then_ms) / 1_000;
    let (key, count) = match seconds {
        0..60 => ("ago-now", 0),
        60..3_600 => ("ago-minutes", seconds / 60),
        3_600..86_400 => ("ago-hours", seconds / 3_600),
        86_400..604_800 => ("ago-days", seconds / 86_400),
        _ => return date(lang, then_ms),
    };
    message(lang, key, Some(&args([("count", count.into())])))
}

/// How long it is until a moment, in one unit; none if it is over.
pub(super) fn until(lang: Lang, now_ms: u64, then_ms: u64) -> Option<String> {
    let seconds = then_ms.checked_sub(now_ms)?.div_ceil(1_000);
    let (key, count) = match seconds {
        0..90 => ("in-seconds", seconds),
        90..5_400 => ("in-minutes", seconds.div_ceil(60)),
        5_400..172_800 => ("in-hours", seconds.div_ceil(3_600)),
        _ => ("in-days", seconds / 86_400),
    };
    Some(message(lang, key, Some(&args([("count", count.into())]))))
}

/// How long something takes, in the largest unit that says it without a fraction.
pub(super) fn span(lang: Lang, ms: u64) -> String {
    let minutes = ms.div_ceil(60_000);
    let (key, count) = match minutes {
        whole if whole % 1_440 == 0 => ("span-days", whole / 1_440),
        whole if whole % 60 == 0 => ("span-hours", whole / 60),
        whole => ("span-minutes", whole),
    };
    message(lang, key, Some(&args([("count", count.into())])))
}

fn local(ms: u64) -> Zoned {
    let time = i64::try_from(ms)
        .ok()
        .and_then(|ms| Timestamp::from_millisecond(ms).ok());
    // What somebody else says of a time may be beyond all calendars.
    time.unwrap_or(Timestamp::MAX).to_zoned(TimeZone::system())
}

/// A moment as machines read it: RFC 3339, in UTC.
pub(super) fn rfc3339(ms: u64) -> String {
    let time = local(ms).with_time_zone(TimeZone::UTC);
    time.timestamp().to_string()
}

/// A day, in the time zone of this machine.
pub(super) fn date(lang: Lang, ms: u64) -> String {
    let time = local(ms);
    let month = message(lang, &format!("month-{}", time.month()), None);
    let args = args([
        ("day", time.day().to_string().into()),
        ("month", month.into()),
        ("year", time.year().to_string().into()),
    ]);
    message(lang, "date", Some(&args))
}

/// A day and the time of day, in the time zone of this machine.
pub(super) fn date_time(lang: Lang, ms: u64) -> String {
    let time = local(ms);
    let clock = format!("{:02}:{:02}", time.hour(), time.minute());
    let args = args([("date", date(lang, ms).into()), ("clock", clock.into())]);
    message(lang, "date-time", Some(&args))
}

#[cfg(test)]
mod tests {
    use super::*;
    use souk_protocol::money::Currency;
    use std::collections::BTreeSet;

    fn keys(lang: Lang) -> BTreeSet<String> {
        let ids = |source: &str| {
            if let Err((_, errors)) = FluentResource::try_new(source.to_owned()) {
                panic!("{}: {errors:?}", lang.code());
            }
            let begins = source
                .lines()
                .filter(|line| line.starts_with(|first: char| first.is_ascii_lowercase()));
            let ids = begins.filter_map(|line| Some(line.split_once(" =")?.0.to_owned()));
            ids.collect::<Vec<_>>()
        };
        let all: Vec<String> = sources(lang).into_iter().flat_map(ids).collect();
        let once: BTreeSet<String> = all.iter().cloned().collect();
        assert_eq!(all.len(), once.len(), "{}: a key stands twice", lang.code());
        once
    }

    #[test]
    fn every_language_says_the_same_things() {
        let english = keys(Lang::En);
        for lang in [Lang::De, Lang::Ar] {
            let theirs = keys(lang);
            let missing: Vec<_> = english.symmetric_difference(&theirs).collect();
            assert!(missing.is_empty(), "{}: {missing:?}", lang.code());
        }
    }

    #[test]
    fn money_is_written_as_the_language_does() {
        let euro = |minor| Amount::new(minor, Currency::EUR).unwrap();
        assert_eq!(money(Lang::En, &euro(123_456_789)), "€1,234,567.89");
        assert_eq!(money(Lang::De, &euro(-5)), "\u{2212}0,05\u{a0}€");
        let yen = Amount::new(1_000, "JPY".parse().unwrap()).unwrap();
        assert_eq!(money(Lang::En, &yen), "JPY\u{a0}1,000");
        assert_eq!(
            (plain_amount(&euro(-1_205)), plain_amount(&yen)),
            ("-12.05".into(), "1000".into())
        );
    }

    #[test]
    fn a_language_is_taken_by_its_weight() {
        for (header, lang) in [
            ("", Lang::En),
            ("fr-FR, de;q=0.8, en;q=0.9", Lang::En),
            ("de-AT,de;q=0.9,en;q=0.8", Lang::De),
            ("ar", Lang::Ar),
            ("ar;q=0, de;q=0.1", Lang::De),
            ("en;q=x, *", Lang::En),
        ] {
            assert_eq!(Lang::accepted(header), lang, "{header}");
        }
    }

    #[test]
    fn sizes_and_times_are_in_one_unit() {
        assert_eq!(size(Lang::En, 5 * 1_024), "5.0\u{a0}KiB");
        assert_eq!(size(Lang::De, 1_536), "1,5\u{a0}KiB");
        assert_eq!(size(Lang::En, 900), "900\u{a0}B");
        assert_eq!(ago(Lang::En, 100_000, 40_000), "1 min ago");
        assert_eq!(until(Lang::En, 0, 61_000).as_deref(), Some("in 61 s"));
        assert_eq!(until(Lang::En, 2, 1), None);
    }

    #[test]
    fn how_long_something_takes_is_said_in_whole_units() {
        let minute = 60_000;
        for (lang, ms, said) in [
            (Lang::En, 15 * minute, "15 minutes"),
            (Lang::En, 60 * minute, "an hour"),
            (Lang::En, 36 * 60 * minute, "36 hours"),
            (Lang::En, 48 * 60 * minute, "2 days"),
            (Lang::De, 48 * 60 * minute, "2 Tagen"),
            (Lang::Ar, 48 * 60 * minute, "يومين"),
            (Lang::Ar, 14 * 24 * 60 * minute, "\u{2068}14\u{2069} يومًا"),
        ] {
            assert_eq!(span(lang, ms), said);
        }
    }
}
