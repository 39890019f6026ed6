# Der Feed, Beiträge, Mitteilungen.
compose = Was gibt es Neues?
compose-public = Alle können es lesen, und es lässt sich nicht zurücknehmen.
keep-draft = Als Entwurf behalten
post = Sagen
tag-own = Etwas aus deinem Laden verlinken
done-posted = Gesagt. Es geht an alle, die dich lesen.
done-replied = Deine Antwort ist unterwegs.
done-reshared = Weitergegeben an alle, die dich lesen.
done-kept = Auf diesem Knoten behalten.
feed-show = Was gezeigt wird
feed-all = Alles
feed-posts = Beiträge
feed-reviews = Bewertungen und Fürsprachen
feed-newest-first = Neueste zuerst
feed-empty = Hier ist noch nichts
feed-none-yet = Unter dem Neuesten ist nichts davon. Vielleicht ist etwas unter dem Älteren.
feed-empty-nobody = Folge Leuten, die du kennst; dann liest du hier, was sie sagen und empfehlen.
feed-empty-quiet = Noch hat niemand etwas gesagt, dem du folgst. Fang du an.
find-people = Leute finden
why-yours = Von dir
why-followed = Du folgst
said-vouch = spricht für
said-unvouch = spricht nicht mehr für
said-review = hat gekauft und bewertet
said-reshare = hat weitergegeben
said-reply = hat geantwortet
equivocated = Ein Gerät dieser Person hat unter einer Nummer zwei verschiedene Dinge gesagt. Vorsicht.
stars = { $count ->
    [one] { $count } von 5 Sternen
   *[other] { $count } von 5 Sternen
}
bought-it = Hat es gekauft
product-not-here = Ein Angebot, das hier noch nicht angekommen ist
answers = { $count ->
    [0] Antworten
    [one] { $count } Antwort
   *[other] { $count } Antworten
}
react = Reagieren
unreact = Zurücknehmen
reshare = Weitergeben
reply = Antworten
your-answer = Deine Antwort
answer-to = Antwort an { $name }
post-by = Beitrag von { $name }
