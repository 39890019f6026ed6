# Die ersten Schritte, das Netz, die Einstellungen, die Mitteilungen, alle anderen Orte.
welcome = Willkommen bei Souk
welcome-lead = Das ist dein eigener Knoten: Was du schreibst, kaufst und verkaufst, liegt auf diesem Rechner. Drei kleine Dinge, und du bist dabei.
welcome-name = Wie nennen dich die Leute?
your-name = Dein Name
your-name-hint = Alle können ihn sehen. Das Bild entsteht aus deinem Namen und deiner Kennung, darum kann niemand genauso aussehen wie du.
welcome-people = Folge Leuten, die du kennst
welcome-done = Zur Startseite
welcome-phone = Möchtest du das alles auch in der Tasche haben?
follows-now = { $count ->
    [0] Du folgst noch niemandem.
    [one] Du folgst einem Menschen.
   *[other] Du folgst { $count } Leuten.
}
near = Gerade verbunden
near-nobody = Niemand Neues ist verbunden. Leute in deinem lokalen Netz erscheinen hier von selbst.
follow-them = Folgen
follow-who = Kennung, Link oder Adresse
follow-who-hint = Füg ein, was du bekommen oder aus einem QR-Code gelesen hast.
follow-openly = Alle dürfen sehen, dass ich folge
your-id = Deine Kennung
your-id-hint = Gib sie Leuten, die dir folgen wollen. Sie ist kein Geheimnis.
qr-of-id = QR-Code deiner Kennung
done-following = Du folgst jetzt. Was gesagt wurde, kommt an, sobald jemand verbunden ist, der es hat.
done-profile = Gespeichert. Ab jetzt sehen es alle.

words-title = Deine Wiederherstellungswörter
words-badge = nicht bestätigt
words-good = bestätigt
words-open = 24 Wörter sind deine Identität. Geht dieser Rechner verloren, bringen sie sie zurück; wer sie hat, bist du. Schreib sie auf Papier.
words-confirmed = Du hast bestätigt, dass sie aufgeschrieben sind. Verwahre das Papier so, dass es sonst niemand liest.
words-elsewhere = Die 24 Wörter sind auf dem Gerät, das dieses hereingelassen hat. Sieh sie dort nach.
words-paper = Die 24 Wörter wurden aus diesem Knoten herausgenommen: Sie stehen nur auf deinem Papier.
words-warning = Zeig sie niemandem, fotografiere sie nicht und tippe sie auf keiner Website ein.
words-show = Wörter zeigen
words-confirm = Drei davon bestätigen
words-confirm-why = So fällt ein Fehler auf deinem Papier jetzt auf und nicht erst, wenn du es brauchst.
word-number = Wort { $number }
confirm = Bestätigen
done-words-confirmed = Alle drei stimmen. Verwahre das Papier gut.

settings-identity = Identität
settings-devices = Geräte
settings-backup = Sicherung
settings-privacy = Privatsphäre
settings-addresses = Adressen
settings-look = Sprache und Farben
settings-limits = Grenzen
settings-access = Zugang
profile-title = Profil
about = Über dich
see-as-others = Ansehen, was andere sehen

devices-lead = Jedes spricht für dich, mit einem eigenen Schlüssel.
device-this-one = Dieses Gerät
device-this = dieses
device-primary = Hauptgerät
device-connected = verbunden
device-away = fort
device-since = seit { $date }
device-waits = Dieses Gerät wartet noch auf die Dokumente des Ladens. Lass es und das Hauptgerät verbunden.
device-revoked = Dieses Gerät wurde ausgeschlossen: Was es sagt, zählt nicht mehr.
device-revoke = Ausschließen
device-revoke-means = Für ein Gerät, das verloren oder verkauft ist. Was es danach sagt, zählt nicht. Das lässt sich nicht zurücknehmen.
device-revoke-sure = Ich bin sicher
device-revoke-now = Dieses Gerät ausschließen
done-device-out = Ausgeschlossen. Sieh deine Preise und deinen Bestand durch.
device-add = Gerät hinzufügen
device-add-lead = Du bekommst einen Code, den du am anderen Gerät eintippst oder scannst. Er gilt zehn Minuten und für ein Gerät.
device-invite = Code zeigen
device-add-how = Führ das auf dem anderen Gerät aus. Dann zeigen beide vier Wörter, und du vergleichst sie hier.
qr-of-code = QR-Code für das andere Gerät
device-code-secret = Wer diesen Code hat, kann darum bitten, du zu sein. Zeig ihn niemandem.
device-compare-now = Es zeigt vier Wörter
device-invited = Ein Code ist gültig und endet { $until }
device-close = Schließen
done-invitation-closed = Mit diesem Code kommt kein Gerät mehr herein.
device-asks = Ein Gerät möchte eines von deinen werden
device-asks-name = „{ $name }“ möchte eines deiner Geräte werden
device-asks-compare = Zeigt es genau diese vier Wörter?
device-same = Ja, dieselben Wörter
device-other = Nein, abweisen
done-device-in = Es ist jetzt eines deiner Geräte.

phones-title = Souk auf deinem Handy
phones-lead = Dein Handy zeigt die Seiten dieses Rechners, über dein eigenes Netz und verschlüsselt. Es behält nur seinen Schlüssel dazu.
phones-on = an
phones-off = aus
phones-turn-on = Handys hereinlassen
phones-on-means = Dieser Rechner antwortet dann in deinem lokalen Netz. Wer nicht gekoppelt ist, steht vor verschlossener Tür.
phones-turn-off = Kein Handy mehr hereinlassen
phones-failed = Handys können gerade nicht herein.
phones-no-address = Dieser Rechner ist gerade in keinem lokalen Netz. Verbinde ihn und lade die Seite neu.
phones-at = Handys finden ihn hier:
phones-paired = Gekoppelte Handys
phone-since = gekoppelt { $paired }, zuletzt da { $seen }
phone-out = Ausschließen
phone-pair = Handy koppeln
phone-scan = Scanne das mit der Kamera des Handys. Das Handy muss im selben Netz sein.
phone-or-type = Oder tipp es dort ein:
phone-other-addresses = Andere Adresse
phone-warning = Der Browser des Handys warnt, weil dieser Rechner für sich selbst bürgt und keine Firma. Sieh dir dort das Zertifikat an, bevor du weitermachst: Sein SHA-256-Fingerabdruck muss genau dieser sein. Ist es ein anderer, steht jemand dazwischen; hör auf.
phone-press = Gib dem Handy dort einen Namen und drück den Knopf.
phone-code-once = Der Code gilt einmal, für ein Handy und { $count } Minuten.
qr-of-phone = QR-Code für das Handy
phone-not-here = Wiederherstellungswörter, Geräte, Sicherungen und Zugang gibt es nur an dem Rechner, auf dem dein Knoten läuft.
done-phones-on = Handys, die du koppelst, kommen jetzt herein.
done-phones-off = Kein Handy kommt mehr herein. Was offen war, ist zu.
done-phone-out = Dieses Handy ist ab jetzt draußen.

backup-make = Sicherung anlegen
backup-lead = Eine verschlüsselte Datei mit allem, was dieser Knoten weiß: was du gesagt hast, Bestellungen, Deckel, dein Laden, deine Adressen. Der Knoten läuft dabei weiter.
backup-no-words = Die Wiederherstellungswörter sind nicht darin, denn sie liegen nicht auf diesem Knoten.
backup-passphrase = Passphrase für die Datei
backup-again = Noch einmal dieselbe
backup-passphrase-hint = Ohne sie kann niemand die Datei öffnen, auch du nicht. Sie wird nirgends aufbewahrt.
backup-download = Sicherung herunterladen
restore = Zurückholen
restore-lead = Beim Wiederherstellen entsteht ein neues Gerät, darum geschieht es auf einem Rechner, auf dem noch kein Knoten läuft.
restore-file = Aus einer Sicherung:
restore-words = Ohne Datei, aus den 24 Wörtern, nach denen gefragt wird; was du öffentlich gesagt hast, wird bei Leuten geholt, die es haben:
restore-once = Schließ danach unter Geräte das verlorene aus.

privacy-seen = Was alle sehen können
privacy-seen-lead = Was hier steht, ist öffentlich, von dir unterschrieben und lässt sich nicht zurücknehmen.
privacy-no-about = Du sagst nichts über dich.
privacy-posts = Beiträge und Antworten
privacy-vouches = Fürsprachen
privacy-reviews = Bewertungen
privacy-shop = Laden
privacy-no-shop = keiner
privacy-follows = Öffentlich gefolgt
privacy-nobody = niemandem
privacy-open = Dein Profil öffnen
shop-listings = { $count ->
    [one] ein Angebot
   *[other] { $count } Angebote
}
and-others = { $count ->
    [one] und einem weiteren
   *[other] und { $count } weiteren
}
privacy-some = Was manche sehen können
privacy-orders = Eine Bestellung, ihre Lieferadresse und ihre Nachrichten: wer kauft und wer verkauft.
privacy-tabs = Einen Deckel: die beiden, die ihn führen.
privacy-network = Deine Netzadresse: die Geräte, mit denen du verbunden bist.
privacy-kept = Was diesen Knoten nie verlässt
privacy-kept-lead = Es ist in deinen eigenen Sicherungen und sonst nirgends. Eine Adresse bekommt ein Laden nur mit einer Bestellung, die du aufgibst.
privacy-private-follows = Privat gefolgt
privacy-drafts = Entwürfe
privacy-bag = Dinge in der Tasche

addresses-lead = Sie bleiben auf diesem Knoten. Ein Laden bekommt eine nur mit einer Bestellung, die du aufgibst.
addresses-none = Noch keine Adresse. Mit einer geht das Bestellen einen Schritt schneller.
address-new = Neue Adresse
address-name = Nenn sie
address-name-example = Zuhause
address-country = Landeskürzel
address-lines = Zeilen der Anschrift
address-remove = Entfernen
edit = Ändern
done-address-kept = Auf diesem Knoten aufbewahrt.
done-address-removed = Entfernt.

look-lead = Gilt nur in diesem Browser.
language = Sprache
language-auto = Wie der Browser es wünscht
theme = Farben
theme-system = Wie im System
theme-light = Hell
theme-dark = Dunkel
done-look = Für diesen Browser geändert.

limits-lead = Sie verhindern, dass Fremde deinen Datenträger oder deinen Tag füllen. Sie gelten für alle gleich.
limits-talk = Reden
limits-trade = Kaufen und verkaufen
limits-node = Dieser Knoten
limit-text = Längster Text
limit-envelope = Größte unterschriebene Nachricht
limit-post-tags = Produkte in einem Beitrag
limit-follows = Leute, denen du folgen kannst
limit-push-trusted = Unverlangte Nachrichten von Bekannten
limit-push-stranger = Unverlangte Nachrichten von Fremden
limit-push-bytes = Unverlangt von Fremden am Tag
limit-bag-lines = Verschiedene Dinge in einer Tasche
limit-order-lines = Zeilen einer Bestellung
limit-order-units = Stücke in einer Zeile
limit-orders-open = Offene Bestellungen je Kundschaft und Laden
limit-variants = Varianten eines Angebots
limit-product-file = Größte Produktdatei
limit-devices = Geräte eines Menschen
limit-invitation = So lange gilt ein Gerätecode
limit-login = So lange gilt ein Anmeldelink
limit-phones = Gekoppelte Handys
limit-phone-code = Wie lange ein Handy-Code gilt
limit-events = Ereignisse, die behalten werden
limit-body = Größte Anfrage an diesen Knoten
limit-streams = Bildschirme, die sich gleichzeitig erneuern
minutes = { $count ->
    [one] eine Minute
   *[other] { $count } Minuten
}
an-hour = { $count } je Stunde

access-browser = Ein anderer Browser auf diesem Rechner
access-browser-lead = Ein Link öffnet diese Seite einmal, in einem Browser, der noch nicht angemeldet ist.
access-link = Link erzeugen
access-link-once = { $count ->
    [one] Gilt einmal, eine Minute lang.
   *[other] Gilt einmal, { $count } Minuten lang.
}
access-programs = Programme
access-programs-lead = Was diese Seite kann, kann auch ein Programm auf diesem Rechner. Es weist sich mit dem Token in dieser Datei aus:
access-url = Adresse
access-token = Tokendatei
access-description = Beschreibung
access-token-warning = Wer das Token liest, kann alles in deinem Namen tun. Gib es keiner Website und keinem Programm, dem du nicht traust.

network-reached-world = Andere erreichen dich von überall
network-reached-local = Andere erreichen dich im lokalen Netz
network-reached-machine = Andere Knoten auf diesem Rechner erreichen dich
network-connected = { $count ->
    [one] Ein Gerät ist verbunden.
   *[other] { $count } Geräte sind verbunden.
}
network-outward = Du bist verbunden, aber noch hat dich niemand erreicht
network-outward-next = Alles geht, solange jemand verbunden ist. Gib Bekannten eine deiner Adressen, oder öffne ihren Port in deinem Router.
network-alone = Du bist allein
network-alone-next = Wähl eine Adresse, die dir jemand gegeben hat, oder warte: Leute im lokalen Netz erscheinen von selbst.
network-deaf = Dieser Knoten ist unter keiner Adresse erreichbar
network-deaf-next = Sieh nach, ob dieser Rechner ein Netz hat, und starte den Knoten neu.
network-peers = Verbundene Geräte
network-no-peers = Niemand ist verbunden. Was du schreibst, wartet hier und geht von selbst hinaus.
network-own-device = dein eigenes
network-incoming = kam von dort
network-outgoing = von dir gewählt
reach-machine = dieser Rechner
reach-local = lokales Netz
reach-world = Internet
network-dial = Mit jemandem verbinden
network-address = Adresse
network-address-hint = Sie beginnt mit / und endet mit /p2p/ und einer Kennung.
network-dial-now = Verbinden
done-dialled = Verbunden.
network-given = Adressen zum Weitergeben
network-given-lead = Wer eine hat, kann sich mit diesem Knoten verbinden.
given-machine = Geht nur auf diesem Rechner
given-local = Geht in deinem lokalen Netz
given-world = Geht von überall, wenn kein Router dazwischen steht
network-checks = Befinden
network-all-good = alles gut
check-good = ist gut
check-bad = braucht dich
check-api = Diese Seite
check-api-next = Starte den Knoten neu.
check-store = Speicher
check-store-next = Sieh in das Protokoll des Knotens.
check-store-rows = { $count ->
    [one] eine Zeile
   *[other] { $count } Zeilen
}
check-room = Platz auf dem Datenträger
check-room-next = Schaff etwas Platz. Ist er voll, wird nichts Neues angenommen, und nichts geht verloren.
check-clock = Uhr
check-clock-next = Die Uhr des Rechners ist gesprungen. Stell sie richtig und starte den Knoten neu; bis dahin zählt er selbst.
check-listening = Erreichbar unter
check-listening-next = Sieh nach, ob dieser Rechner ein Netz hat, und starte den Knoten neu.
check-addresses = { $count ->
    [0] keiner Adresse
    [one] einer Adresse
   *[other] { $count } Adressen
}
check-peers = Verbindungen
check-peers-next = Wähl eine Adresse, die dir jemand gegeben hat.
check-devices = { $count ->
    [0] niemand
    [one] ein Gerät
   *[other] { $count } Geräte
}
check-event = Letztes Ereignis
check-event-next = Auf diesem Knoten ist noch nichts geschehen. Folge jemandem.
check-nothing-yet = noch keines
check-past = Eigene Vergangenheit
check-past-next = Bis das geklärt ist, unterschreibt dieser Knoten nichts. Lass ihn mit Bekannten verbunden.
past-restored = Dieser Knoten wurde wiederhergestellt und fragt andere, was du seitdem gesagt hast
past-copied = Dieses Verzeichnis wurde kopiert; der Knoten fragt andere, ob es die neueste Kopie ist
past-settled = Dieser Knoten weiß wieder, was andere von ihm wissen
past-outdated = Das ist eine alte Kopie deines Knotens; sie unterschreibt nichts mehr
past-revoked = Dieses Gerät wurde von einem anderen deiner Geräte ausgeschlossen
network-traffic = Bytes
network-traffic-lead = Seit dem Start des Knotens.
traffic-kind = Was
traffic-came = Kam
traffic-went = Ging
traffic-gossip = Was Leute öffentlich sagen
traffic-requests = Nachholen, Bestellungen, Deckel
network-storage = Hier aufbewahrt
kept-said = Beiträge, Fürsprachen, Bewertungen, Reaktionen
kept-state = Profile und Angebote
kept-orders = Bestellungen
kept-tabs = Deckel
kept-follows = Leute, denen du folgst
kept-waiting = Nachrichten, die auf jemanden warten
kept-own = Entwürfe, Taschen und Adressen
kept-events = Ereignisse
kept-proofs = Beweise für doppeltes Spiel
bytes-store = Der Speicher auf dem Datenträger
bytes-search = Der Suchindex auf dem Datenträger
bytes-all = Der ganze Knoten auf dem Datenträger

notices = Mitteilungen
notices-none = Noch nichts
notices-none-why = Antworten, Reaktionen, Bestellungen und Fürsprachen erscheinen hier.
notice-new = neu
today = Heute
yesterday = Gestern
notice-order-asked = { $name } fragt nach einem Preis
notice-order-quoted = { $name } hat dir ein Angebot gemacht
notice-order-placed = { $name } hat bestellt
notice-order-accepted = { $name } hat deine Bestellung angenommen
notice-order-paid = { $name } sagt, dass bezahlt ist
notice-order-receipted = { $name } hat deine Zahlung bestätigt
notice-order-fulfilled = { $name } hat deine Bestellung verschickt
notice-order-completed = { $name } sagt, dass alles angekommen ist
notice-order-declined = { $name } hat deine Bestellung abgelehnt
notice-order-cancelled = { $name } hat eine Bestellung zurückgenommen
notice-order-lapsed = Eine Bestellung mit { $name } ist verfallen
notice-tab = Dein Deckel mit { $name } hat sich geändert
notice-answer = { $name } hat auf deinen Beitrag geantwortet
notice-reaction = { $name } hat auf deinen Beitrag mit { $emoji } reagiert
notice-reshare = { $name } hat deinen Beitrag weitergegeben
notice-vouch = { $name } spricht für dich
notice-unvouch = { $name } spricht nicht mehr für dich
notice-review = { $name } hat etwas aus deinem Laden bewertet
notice-equivocated = Ein Gerät von { $name } hat unter einer Nummer zwei verschiedene Dinge gesagt
notice-device = Ein Gerät möchte eines von deinen werden

more-money = Was man dir schuldet und was du schuldest
more-people = Wem du folgst und für wen sie sprechen
more-shop = Was du verkaufst
more-notices = Was geschah, während du fort warst
more-network = Wer verbunden ist und ob alles gut ist
more-settings = Identität, Geräte, Sicherung, Privatsphäre, Sprache
more-welcome = Erste Schritte
more-welcome-lead = Dein Name, deine Wiederherstellungswörter, Leute zum Folgen
