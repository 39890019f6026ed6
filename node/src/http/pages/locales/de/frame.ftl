# Was auf jedem Bildschirm steht, und was alle teilen.
skip = Zum Inhalt springen
nav = Hauptmenü
nav-feed = Start
nav-explore = Entdecken
nav-bag = Tasche
nav-orders = Bestellungen
nav-money = Geld
nav-people = Leute
nav-shop = Mein Laden
nav-network = Netz
nav-settings = Einstellungen
nav-more = Mehr
find = Angebote suchen
notices-unread = { $count ->
    [0] Mitteilungen
    [one] Mitteilungen, { $count } neu
   *[other] Mitteilungen, { $count } neu
}
your-profile = Dein Profil, { $name }
back-home = Zurück zum Start
trouble-again = Noch einmal versuchen
trouble-back = Zurück
close = Schließen
save = Speichern
cancel = Abbrechen
older = Ältere
next-page = Nächste Seite
optional = freiwillig
copy = Kopieren
show-details = Einzelheiten

palette = Zu einer Seite oder Aktion springen
palette-hint = Schreib, wohin du willst oder was du suchst
palette-none = Nichts passt. Mit Enter suchst du in den Angeboten.
keys = Tasten
key-search = Suchen
key-palette = Zu einer Seite oder Aktion springen
key-keys = Diese Liste
key-go = dann ein Buchstabe: zu einem Bildschirm
key-single = Einzelne Tasten führen irgendwohin (nur ? bleibt)
copied = Kopiert
nav-words-open = deine Wiederherstellungswörter sind nicht bestätigt
offline = Der Knoten antwortet nicht. Was du schreibst, bleibt hier; es geht von selbst weiter, wenn er wieder da ist.

door = Das ist der Knoten von jemandem
door-how = Wem er gehört, öffnet ihn mit einem Link, den das Programm auf diesem Rechner gibt:
door-used = Dieser Link wurde schon benutzt oder ist zu alt. Hol auf diesem Rechner einen neuen:

pair-title = Souk auf diesem Handy
pair-lead = Mach nur weiter, wenn der Fingerabdruck des Zertifikats derselbe war wie auf deinem Rechner.
pair-name = Name dieses Handys
pair-name-hint = Damit du es unter deinen Handys wiedererkennst.
pair-now = Dieses Handy koppeln
pair-closed-title = Dieses Handy ist nicht gekoppelt
pair-closed = Öffne am Rechner die Einstellungen, dort Geräte, und kopple dieses Handy.
pair-ended = Dieser Code wurde schon benutzt oder ist zu alt. Zeig am Rechner einen neuen und scanne den. Hast nicht du ihn benutzt, schließ dort jedes Handy aus, das du nicht kennst.
pair-wait = Es wurden zu viele falsche Codes versucht. Warte eine Minute und scanne den Code noch einmal.

ago-now = gerade eben
ago-minutes = vor { $count } Min.
ago-hours = vor { $count } Std.
ago-days = { $count ->
    [one] gestern
   *[other] vor { $count } Tagen
}
in-past = vorbei
in-seconds = in { $count } s
in-minutes = in { $count } Min.
in-hours = in { $count } Std.
in-days = { $count ->
    [one] in einem Tag
   *[other] in { $count } Tagen
}
# Im Dativ: „innerhalb von …“.
span-minutes = { $count ->
    [one] einer Minute
   *[other] { $count } Minuten
}
span-hours = { $count ->
    [one] einer Stunde
   *[other] { $count } Stunden
}
span-days = { $count ->
    [one] einem Tag
   *[other] { $count } Tagen
}
date = { $day }. { $month } { $year }
date-time = { $date }, { $clock }
month-1 = Jan.
month-2 = Feb.
month-3 = März
month-4 = Apr.
month-5 = Mai
month-6 = Juni
month-7 = Juli
month-8 = Aug.
month-9 = Sept.
month-10 = Okt.
month-11 = Nov.
month-12 = Dez.

problem-invalid = Etwas im Formular stimmt noch nicht.
problem-no-token = Diese Seite ist für den Menschen, dem der Knoten gehört.
problem-origin = Die Anfrage kam von einer anderen Seite, darum wurde nichts getan.
problem-seal = Dieses Formular ist veraltet. Bitte schick es noch einmal.
problem-no-phone = Diese Seite ist für gekoppelte Handys.
problem-pair-code = Dieser Code gilt nicht mehr.
problem-not-from-phone = Das geschieht am Rechner, nicht am Handy.
problem-host = Der Knoten wurde unter einem anderen Namen gefragt.
problem-not-found = Das ist hier nicht vorhanden.
problem-method = Danach kann man hier nicht fragen.
problem-not-allowed = Das geht gerade nicht.
problem-too-large = Das ist zu groß.
problem-too-many = Das ist im Moment zu viel.
problem-unreachable = Der andere Knoten antwortet nicht.
problem-stopping = Der Knoten hält an. Starte ihn neu.
problem-fault = Im Knoten ist etwas fehlgeschlagen. Nichts ging verloren; sieh in sein Protokoll.
problem-too-little-credit = Auf dem Deckel ist zu wenig Platz.
problem-no-stock = So viele sind nicht mehr da.
problem-disk-full = Der Datenträger ist voll. Schaff etwas Platz; der Knoten macht von selbst weiter.
