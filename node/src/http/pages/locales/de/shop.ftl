# Der eigene Laden, Produktdateien und das Schaufenster für alle anderen.
shop-do = Was du tun kannst
shop-as-others = Wie andere ihn sehen
shop-terms = Bedingungen
shop-import = Importieren
shop-export = Alle Angebote als Datei exportieren
shop-new = Neues Angebot
shop-to-do = Offene Bestellungen
shop-all-orders = Alle { $count } Bestellungen, die auf dich warten
shop-do-accept = Annehmen
shop-do-paid = Zahlung prüfen
shop-do-ship = Versenden
shop-do-look = Ansehen
shop-goods = Angebote
shop-show = Welche Angebote zu sehen sind
shop-all = Alle
shop-published = Veröffentlicht
shop-drafts = Entwürfe
shop-sold-out = Ausverkauft
shop-find = Eigene Angebote durchsuchen
shop-find-do = Suchen
shop-corrected = So geschrieben gibt es nichts; das hier kommt dem nahe.
shop-none = Kein Angebot passt.
shop-all-again = Alle zeigen
shop-empty = Dein Laden ist offen und noch leer
shop-empty-how = Leg ein erstes Angebot von Hand an, oder bring alle als Produktdatei aus einem anderen Shopsystem mit.
shop-title = Titel
shop-price = Preis
shop-price-in = Preis in { $currency }
shop-stock = Bestand
shop-public = Sichtbar
shop-stock-hint = Ein leeres Bestandsfeld heißt, dass nicht gezählt wird: Es kann beliebig viel verkauft werden.
shop-variant = Variante
shop-variants = { $count ->
    [one] { $count } Variante
   *[other] { $count } Varianten
}
shop-edit-variants = { $count } Varianten bearbeiten
shop-more-variants = Weitere Varianten
shop-range = { $from }–{ $to } von { $count }
shop-earlier = Vorige Seite
shop-save = Änderungen speichern
done-shop-saved = Gespeichert. Alle, die deinen Laden führen, bekommen es jetzt.
done-shop-same = Nichts wurde geändert.
done-shop-open = Dein Laden ist offen.
done-shop-terms = Die Bedingungen gelten.
done-shop-removed = Endgültig entfernt.
done-shop-new = Das Angebot ist angelegt.
done-shop-forgotten = Nichts wurde importiert.

shop-open = Laden eröffnen
shop-open-how = Ein paar Bedingungen, und du kannst verkaufen. Du kannst sie später ändern; für offene Bestellungen gelten die, unter denen sie entstanden.
shop-open-do = Laden eröffnen
shop-terms-public = Alle sehen diese Bedingungen, nur nicht, wie man dich bezahlt: Das sieht, wer bestellt.
shop-currency = Währung aller Preise
shop-currency-hint = Drei Buchstaben, etwa EUR. Sie bleibt, sobald es Angebote gibt.
shop-shipping = Versand je Bestellung
shop-shipping-hint = Ein Pauschalpreis, überallhin. Leer für kostenlosen Versand.
shop-free-from = Versand frei ab
shop-free-from-hint = Der Warenwert, ab dem er frei ist. Leer für nie.
shop-returns = Tage für die Rückgabe
shop-returns-hint = 0 für keine Rückgabe über das Gesetz hinaus.
shop-payment = Wie man dich bezahlt
shop-payment-hint = Worte oder eine IBAN, für alle, die nicht anschreiben lassen. Leer, wenn du nur anschreibst.
shop-by-itself = Jede Bestellung, die der Bestand erlaubt, ohne Rückfrage annehmen

shop-is-public = Sichtbar
shop-is-draft = Entwurf
shop-changed-ago = geändert { $ago }
shop-see = Ansehen wie andere
shop-post-about = Darüber schreiben
shop-description = Beschreibung
shop-markdown = Du kannst **fett**, *kursiv*, Listen mit Strich und [Links](https://…) schreiben.
shop-price-stock = Preis und Bestand
shop-visibility = Sichtbarkeit
shop-published-do = Veröffentlicht
shop-published-hint = Was veröffentlicht ist, können alle finden und kaufen. Ein Entwurf bleibt bei dir.
shop-facts = Angaben
shop-kind = Art
shop-kind-physical = Eine Sache, die versandt oder abgeholt wird
shop-kind-digital = Eine Datei oder ein Recht
shop-kind-service = Eine Arbeit
shop-vendor = Hersteller
shop-category = Kategorie
shop-tags = Schlagwörter
shop-tags-hint = Wörter, unter denen man es findet, mit Kommas dazwischen.
shop-handle = Kurzname
shop-remove = Dieses Angebot entfernen
shop-remove-what = Es verschwindet für alle, und seine Adresse wird nicht wieder benutzt. Offene Bestellungen laufen weiter. Um es nur eine Weile herauszunehmen, nimm die Veröffentlichung zurück.
shop-remove-do = Endgültig entfernen
shop-options = Es gibt Größen, Farben oder Ähnliches
shop-options-hint = Jede Kombination wird eine Variante. Sie beginnen mit Preis und Bestand von oben; danach stellst du jede einzeln ein.
shop-option-name = Option { $number }, etwa Größe
shop-option-values = Ihre Werte, mit Kommas dazwischen
shop-ships = Es muss versandt werden
shop-weight = Gewicht in Gramm
shop-create = Angebot anlegen

import-how = Bring deine Produkte als Datei mit: eine CSV, wie Shopify sie exportiert, oder eine ähnliche. Du siehst, was sie ändern würde, bevor etwas geschrieben wird.
import-file = Datei auswählen oder hier ablegen
import-file-hint = CSV in UTF-8, bis { $size }.
import-drafts = Auch veröffentlichen, was in der Datei nicht veröffentlicht ist
import-look = Zeigen, was sich ändern würde
import-kept = { $name } ist gelesen und wartet auf dich
import-what = Was { $name } ändern würde
import-nothing-yet = Noch ist nichts geschrieben.
import-new = Neu
import-changed = Geändert
import-same = Gleich
import-warnings = Hinweise
import-warned = { $count ->
    [one] { $count } Hinweis
   *[other] { $count } Hinweise
}
import-stock-stays = { $count ->
    [one] Bei { $count } Variante hat die Datei einen anderen Bestand als dein Laden. Die Zahl deines Ladens bleibt, denn die Verkäufe zählen von ihr.
   *[other] Bei { $count } Varianten hat die Datei einen anderen Bestand als dein Laden. Die Zahlen deines Ladens bleiben, denn die Verkäufe zählen von ihnen.
}
import-do = { $count ->
    [one] { $count } Angebot importieren
   *[other] { $count } Angebote importieren
}
import-anyway = Nichts zu ändern; trotzdem importieren
import-forget = Verwerfen
import-becomes = Wird
import-details = Im Einzelnen
import-is-new = neu
import-is-changed = geändert
import-published = wird veröffentlicht
import-unpublished = wird herausgenommen
import-added = { $count ->
    [one] { $count } neue Variante
   *[other] { $count } neue Varianten
}
import-removed = { $count ->
    [one] { $count } Variante fällt weg
   *[other] { $count } Varianten fallen weg
}
import-other = Beschreibung, Bilder oder andere Angaben
import-further = und { $count } weitere
import-runs = { $name } wird importiert
import-progress = { $listings } von { $of } Angeboten
import-goes-on = Es geht weiter, auch wenn du diese Seite verlässt.
import-done = Importiert
import-to-shop = Zu deinen Angeboten
import-failed = Der Import brach ab
import-failed-what = Was bis dahin geschrieben war, bleibt. Importiere die Datei noch einmal, dann geht es von dort weiter.

front-skip = Zu den Angeboten springen
front-find = In diesem Laden suchen
front-find-do = Suchen
front-categories = Kategorien
front-all = Alles
front-count = { $count ->
    [one] { $count } Angebot
   *[other] { $count } Angebote
}
front-found = { $count ->
    [0] Nichts gefunden zu „{ $text }“
    [one] { $count } Angebot zu „{ $text }“
   *[other] { $count } Angebote zu „{ $text }“
}
front-none = Hier gibt es noch nichts zu kaufen
front-earlier = Vorige Seite
front-later = Nächste Seite
front-back = Alle Angebote
front-sold-out = Ausverkauft
front-left = { $count ->
    [one] Nur noch { $count } da
   *[other] { $count } auf Lager
}
front-uncounted = Verfügbar
front-as-of = Stand: { $when }
front-before = vorher { $price }
front-variant = Variante
front-price = Preis
front-stock = Bestand
front-pictures = Bilder anderswo
front-pictures-hint = Sie werden hier nicht geladen; ein Link öffnet sie dort, wo sie liegen.
front-delivery = Versand und Rückgabe
front-ships-flat = Der Versand kostet { $price } je Bestellung, überallhin.
front-ships-free = Der Versand ist kostenlos, überallhin.
front-ships-free-from = Ab { $price } ist der Versand frei.
front-ships-asked = Was der Versand kostet, erfährst du vor der Bestellung.
front-ships-not = Versandt wird nichts.
front-returns = { $count ->
    [0] Rückgaben nach dem Gesetz.
    [one] Du kannst es { $count } Tag lang zurückgeben.
   *[other] Du kannst es { $count } Tage lang zurückgeben.
}
front-reviews = Bewertungen
front-no-reviews = Noch hat es niemand bewertet.
front-rating = { $mean } von 5 aus { $count ->
    [one] { $count } Kauf
   *[other] { $count } Käufen
}
front-bought = Gekauft
front-buy = Kaufen
front-buy-how = Dieser Laden verkauft über Souk, ohne jemanden dazwischen. Öffne diese Adresse in deinem eigenen Knoten:
front-buy-command = oder such es auf der Kommandozeile:
front-vendor = Von { $name }
front-follow = Folge diesem Laden in deinem eigenen Knoten:
front-feeds = Neues als Feed
front-missing = Hier ist nichts
front-missing-what = Vielleicht ist es verkauft oder herausgenommen.
front-too-many = Zu viele Anfragen
front-too-many-what = Warte bitte einen Moment und versuch es noch einmal.
front-busy = Gerade sehen sich viele um
front-busy-what = Warte bitte ein paar Sekunden und versuch es noch einmal.
front-method = Dieser Laden lässt sich nur lesen
front-method-what = Er beantwortet GET und HEAD.
front-failed = Etwas ging schief
front-failed-what = Versuch es bitte später noch einmal.
