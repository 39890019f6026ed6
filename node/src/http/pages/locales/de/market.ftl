# Finden, ein Angebot, ein Laden, die Tasche.
price-from = ab { $price }
no-price = wird gerade nicht verkauft
rating = { $mean } ({ $count })
sold-out = Ausverkauft
in-stock = Verfügbar
left = { $count ->
    [0] Ausverkauft
    [one] Noch { $count } da
   *[other] Noch { $count } da
}
found-for = „{ $text }“
found = { $count ->
    [0] Nichts gefunden.
    [one] { $count } Angebot.
   *[other] { $count } Angebote.
}
found-corrected = Genau so geschrieben gibt es nichts; das hier kommt nahe.
not-for-sale = In dieser Liste kann niemand einen Platz kaufen.
view = Darstellung
view-grid = Als Raster
view-list = Als Liste
filters = Filter
facet-more = Mehr zeigen
filter-remove = diesen Filter entfernen
sort = Reihenfolge
sort-relevance = Passt am besten
sort-newest = Neueste zuerst
sort-price-up = Günstigste zuerst, in { $currency }
sort-price-down = Teuerste zuerst, in { $currency }
price = Preis
price-min = mindestens
price-max = höchstens
price-at-least = mindestens { $price }
price-at-most = höchstens { $price }
prices-in = Preise in { $currency }
explore-wrong-price = „{ $text }“ ist in dieser Währung kein Preis. Schreib ihn wie 12,50; was hier steht, ist nicht nach Preis eingegrenzt.
explore-wrong-currency = „{ $text }“ ist keine Währung. Schreib ihre drei Buchstaben, etwa EUR; was hier steht, ist nicht nach Preis eingegrenzt.
search-cut = Es wurde mehr gefunden, als hier gezeigt werden kann. Grenz die Suche ein, um den Rest zu sehen.
currency = Währung
only-in-stock = Nur Verfügbares
apply = Anwenden
facet-category = Kategorie
facet-vendor = Hergestellt von
facet-kind = Art
kind-physical = Gegenstand
kind-digital = Datei
kind-service = Dienstleistung
nothing-found = Nichts gefunden
nothing-found-why = Dein Knoten durchsucht die Läden der Leute, die du kennst. Folge mehr Leuten oder nimm weniger Wörter.
previous-page = Vorige Seite
search = Suchen
listings-count = { $count ->
    [one] { $count } Angebot
   *[other] { $count } Angebote
}
seller-here = Der Verkäufer ist gerade da
seller-seen = Vom Verkäufer zuletzt gehört: { $ago }
seller-unseen = Vom Verkäufer noch nichts gehört
stock-as-of = Stand: { $ago }
vouched-by = { $count ->
    [one] Fürsprache von
   *[other] Fürsprache von { $count } Leuten, die hier bekannt sind:
}
manage-shop = Laden verwalten
owner = Wer dahintersteht
bag-holds = { $count ->
    [one] Tasche: { $count } Artikel
   *[other] Tasche: { $count } Artikel
}
policies = Versand und Rückgabe
shipping = Versand
shipping-none = Dieser Laden verschickt nichts.
everywhere-else = überall sonst
per-kg = { $price } pro Kilogramm
free-from = ab { $price } kostenlos
returns = Rückgabe
returns-none = Keine Rückgabe.
returns-days = { $count ->
    [one] Bis zu { $count } Tag nach der Ankunft.
   *[other] Bis zu { $count } Tage nach der Ankunft.
}
terms = Bedingungen
search-shop = In diesem Laden suchen
nothing-here = Hier gibt es nichts zu sehen
nothing-here-why = Nichts passt, oder es ist noch nichts veröffentlicht.
show-all = Alles zeigen
where = Wo du bist
pictures-elsewhere = { $count ->
    [one] { $count } Bild anderswo
   *[other] { $count } Bilder anderswo
}
pictures-elsewhere-why = Sie liegen auf den Rechnern anderer Leute, und dort würde man sehen, dass du sie anschaust. Darum wird nichts geladen, bis du einem Link folgst.
picture = Bild
unpublished = Nur du siehst es
price-before = Vorher:
shipping-not-needed = Kein Versand nötig
shipping-to = + { $price } Versand nach { $country }
shipping-free-to = Kostenloser Versand nach { $country }
shipping-not-there = Kein Versand nach { $country }
shipping-unknown = Der Versand steht im Preisangebot
shipping-for = Versand nach { $country }
total-is = insgesamt { $price }
variant = Variante
choose = Auswählen
units = Anzahl
put-in-bag = In die Tasche
buy-now = Kaufen
edit-listing = Bearbeiten
post-about = Etwas dazu sagen
silence = Bei Schweigen
silence-before = Du zahlst, was im unterschriebenen Preisangebot steht. Antwortet der Verkäufer nicht rechtzeitig, verfällt die Bestellung, und du schuldest nichts.
silence-quote = Der unterschriebene Preis gilt, wenn innerhalb von { $span } bestellt wird. Wer es nicht tut, schuldet nichts.
silence-accept = Nimmt der Verkäufer nicht innerhalb von { $span } an, kannst du die Bestellung beenden, und niemand schuldet etwas.
silence-pay = Zahlst du danach nicht innerhalb von { $span }, kann der Verkäufer sie beenden, und niemand schuldet etwas.
silence-receipt = Bestätigt der Verkäufer deine Zahlung nicht innerhalb von { $span }, kannst du sie beenden, und dein Geld ist zurückzugeben.
silence-fulfil = Wird danach nicht innerhalb von { $span } verschickt oder übergeben, kannst du sie beenden, und dein Geld ist zurückzugeben.
silence-complete = Sagst du danach nicht innerhalb von { $span } etwas, gilt alles als gut angekommen.
silence-steps = Wie lange jeder Schritt dauern darf
description = Beschreibung
reviews = { $count ->
    [0] Bewertungen
    [one] { $count } Bewertung
   *[other] { $count } Bewertungen
}
reviews-none = Noch hat es niemand bewertet. Das können nur Leute, die es gekauft haben.
you-follow = Du folgst
done-bagged = Es ist in deiner Tasche.
done-bag-changed = Die Tasche ist jetzt so, wie du sie willst.
done-asked = Der Laden wurde nach seinem verbindlichen Preis gefragt. Die Antwort kommt, sobald der Laden da ist.
bag-is-empty = Deine Tasche ist leer
bag-is-empty-why = Was du beiseitelegst, bleibt auf deinem Knoten, bis du einen Laden nach seinem Preis fragst.
explore-goods = Sieh dich um
bag-how = Für jeden Laden gibt es eine eigene Bestellung. Der Laden antwortet mit einem unterschriebenen Preis, bevor du dich entscheidest.
line-gone = wird nicht mehr verkauft
remove = Entfernen
subtotal = Waren
total = Gesamt
country = Land
country-hint = Zwei Buchstaben, zum Beispiel DE
note = Ein Wort an den Verkäufer
save-units = Speichern
ask-price = Verbindlichen Preis erfragen
ask-price-why = Damit ist noch nichts bestellt. Der Knoten des Verkäufers antwortet mit einem unterschriebenen Preisangebot, und dann entscheidest du.
