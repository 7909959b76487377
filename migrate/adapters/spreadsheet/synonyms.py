"""What operators' systems call our columns, as exports and registers have it.

English, German, Dutch and French in breadth; the usual words in Spanish,
Portuguese, Italian, Czech, Polish, Swedish, Norwegian and Danish.

Names as :func:`~migrate.adapters.spreadsheet.propose.folded` leaves them: lower
case, no accents, blanks and hyphens as underscores.  A name in two columns
would be a guess, so each stands in one.
"""

from __future__ import annotations

_NAMES: dict[str, frozenset[str]] = {
    column: frozenset(names.split())
    for column, names in {
        "identity": "charge_point_id chargepointid charge_point_identity charge_point_identifier charge_box_id chargeboxid "
        "charge_box_identity charger_id chargerid station_id stationid charging_station_id cp_id cpid cbid ocpp_id ocpp_identity "
        "ocpp_name chargedeviceid id_station id_station_itinerance ladeeinrichtungs_id ladestation_id ladestations_id "
        "ladesaule ladesaulen_id ladesaulennummer ladesaulen_nr ladepunkt_id wallbox_id stations_id stationsnummer laadpaal_id "
        "laadpaal laadpaalnummer laadstation_id laadpunt_id identifiant identifiant_borne id_borne numero_borne borne_id",
        "vendor": "manufacturer make brand charge_point_vendor devicemanufacturer hersteller fabrikat marke fabrikant merk "
        "fabricant constructeur marque",
        "model": "charge_point_model device_model devicemodel station_model charger_model type typ modell modelltyp geratetyp "
        "modele type_borne laadpaaltype stationstyp",
        "firmware": "firmware_version fw fw_version firmwareversion software_version softwareversion softwarestand "
        "firmwarestand version_firmware version_logicielle firmwareversie softwareversie",
        "serial": "serial_number serialnumber serial_no sn charge_point_serial_number seriennummer serien_nr geratenummer "
        "serienummer serie_nr numero_de_serie no_de_serie",
        "iccid": "sim sim_number simcard sim_card sim_iccid sim_nummer sim_karte simkarte simkaart sim_kaart carte_sim",
        "imsi": "sim_imsi imsi_nummer",
        "apn": "access_point_name",
        "ocpp_version": "ocpp protocol protocol_version ocpp_protocol protokoll protokollversion protocolversie version_ocpp",
        "security_profile": "ocpp_security_profile sicherheitsprofil beveiligingsprofiel profil_de_securite",
        "connection": "connectivity connection_type verbindung anbindung verbindungsart verbinding connexion",
        "ip_address": "ip ip_adresse adresse_ip ip_adres ipv4",
        "site_id": "site location_id locationid standort_id standortnummer standort_nr liegenschaft id_site locatie_id "
        "locatienummer code_site",
        "site_name": "location location_name name station_name n_station standort standortname standortbezeichnung "
        "bezeichnung anzeigename nom nom_station nom_site naam locatie locatienaam",
        "address": "street thoroughfare strasse strasse_hausnummer strasse_und_hausnummer anschrift adresse ad_station "
        "adresse_station adres straat straatnaam rue voie",
        "postcode": "zip zip_code zipcode postal_code plz postleitzahl code_postal pc",
        "city": "town ort stadt gemeinde ville commune plaats gemeente woonplaats stad",
        "country": "countrycode country_code land pays landcode landeskennung",
        "latitude": "lat breitengrad geo_breite breite ylatitude y_latitude breedtegraad",
        "longitude": "lon lng long langengrad laengengrad geo_lange lange xlongitude x_longitude lengtegraad",
        "timezone": "time_zone tz zeitzone tijdzone fuseau_horaire",
        "connectors": "number_of_connectors connector_count no_of_connectors anzahl_ladepunkte ladepunkte anzahl_stecker "
        "nbre_pdc nombre_de_points_de_charge nb_pdc aantal_laadpunten aantal_connectoren evses outlets sockets",
        "lifecycle": "status state charge_device_status chargedevicestatus operational_status betriebsstatus betriebszustand "
        "zustand etat statut bedrijfsstatus toestand",
        "last_seen_at": "last_seen last_heartbeat last_online last_contact lastseen last_communication letzter_kontakt "
        "zuletzt_gesehen zuletzt_online letzte_verbindung laatst_gezien laatste_contact derniere_connexion dernier_contact",
        "notes": "note remarks comment comments bemerkung bemerkungen anmerkung kommentar observations commentaire remarque "
        "opmerking opmerkingen",
        "hold": "on_hold do_not_migrate exclude sperre gesperrt nicht_migrieren niet_migreren ne_pas_migrer",
        "wave": "migration_wave phase welle migrationswelle golf vague",
        "contact_name": "contact contact_person ansprechpartner kontakt kontaktperson contactpersoon interlocuteur",
        "contact_phone": "phone telephone phone_number telefon telefonnummer tel rufnummer telefoon telefoonnummer numero_de_telephone",
        "contact_email": "email e_mail mail email_address e_mail_adresse courriel e_mailadres adresse_mail",
        "target_identity": "new_identity new_charge_point_id new_charge_box_id new_station_id new_ocpp_id target_charge_point_id "
        "identity_on_target neue_ladestations_id neue_identitat neue_ladesaulen_id nieuwe_identiteit nieuw_laadpaalnummer "
        "nouvel_identifiant",
        "access": "access_notes access_instructions zugang zufahrt zugangshinweis toegang acces acces_site",
    }.items()
}

_FURTHER = {
    "identity": "id_estacion identificador identificador_estacion id_cargador id_punto_de_carga codigo_estacion id_posto id_carregador "
    "id_stazione id_colonnina codice_colonnina codice_stazione identificativo id_stanice cislo_stanice identifikator "
    "identifikator_stanice id_nabijecky id_dobijeci_stanice id_stacji identyfikator identyfikator_stacji numer_stacji id_ladowarki "
    "laddstation laddstation_id laddstations_id ladestasjon ladestasjon_id ladestander ladestander_id lader_id",
    "vendor": "fabricante marca produttore costruttore vyrobce znacka producent marka tillverkare produsent",
    "model": "modelo modello",
    "firmware": "version_de_firmware version_de_software versione_firmware versione_software verze_firmwaru verze_firmware verze_fw "
    "wersja_firmware wersja_oprogramowania mjukvaruversion programvareversjon",
    "serial": "n_serie n_de_serie numero_di_serie numero_seriale matricola seriove_cislo vyrobni_cislo numer_seryjny nr_seryjny",
    "connection": "conexion connessione pripojeni polaczenie anslutning",
    "site_id": "id_ubicacion id_emplazamiento codice_sito id_sito id_lokality cislo_lokality id_lokalizacji plats_id anlaggnings_id",
    "site_name": "ubicacion emplazamiento nombre nombre_estacion ubicazione sito nome nome_sito lokalita nazev nazev_lokality "
    "umisteni lokalizacja nazwa nazwa_stacji plats anlaggning sted anlegg",
    "address": "direccion calle domicilio morada endereco indirizzo adresa ulice ulica adress gatuadress gateadresse",
    "postcode": "codigo_postal cap codice_postale psc kod_pocztowy postnummer postnr",
    "city": "ciudad municipio localidad poblacion cidade concelho citta comune localita obec mesto miasto miejscowosc kommun "
    "kommune poststed",
    "country": "pais paese nazione zeme",
    "latitude": "latitud latitudine zemepisna_sirka szerokosc_geograficzna breddgrad breddegrad",
    "longitude": "longitud longitudine zemepisna_delka dlugosc_geograficzna langdgrad lengdegrad laengdegrad",
    "timezone": "zona_horaria huso_horario fuso_orario casove_pasmo strefa_czasowa tidszon tidssone",
    "connectors": "conectores numero_de_conectores num_conectores connettori numero_connettori numero_di_connettori pocet_konektoru "
    "pocet_dobijecich_bodu liczba_zlaczy liczba_punktow_ladowania antal_uttag antall_uttak antal_stik antall_kontakter",
    "lifecycle": "estado stato stav tillstand tilstand",
    "last_seen_at": "ultima_conexion ultimo_contacto ultima_connessione ultimo_contatto posledni_kontakt posledni_spojeni "
    "ostatni_kontakt ostatnie_polaczenie senast_sedd sist_sett",
    "notes": "observaciones comentarios osservazioni poznamka poznamky uwagi anteckning anteckningar merknad",
    "contact_name": "contacto persona_de_contacto referente contatto kontaktni_osoba osoba_kontaktowa",
    "contact_phone": "telefono nr_telefonu telefonnr",
    "contact_email": "correo correo_electronico",
}

SYNONYMS = {column: names | frozenset(_FURTHER.get(column, "").split()) for column, names in _NAMES.items()}
"""Names by column, each in one column only."""

HOUSE_NUMBERS = frozenset(
    [
        "hausnummer",
        "haus_nr",
        "hausnr",
        "hnr",
        "huisnummer",
        "huisnr",
        "cislo_popisne",
        "cislo_domu",
        "numer_domu",
        "nr_domu",
        "numero_civico",
        "civico",
        "husnummer",
    ]
)
"""Where a street and its number stand in two columns, the number behind."""

HOUSE_NUMBERS_FIRST = frozenset(
    [
        "house_number",
        "housenumber",
        "house_no",
        "building_number",
        "buildingnumber",
        "street_number",
        "numero_de_rue",
        "numero_voie",
    ]
)

LIFECYCLE_WORDS: dict[str, str] = {
    word: life
    for life, words in {
        "in_service": "in betrieb|aktiv|in service|active|operational|operative|available|online|live|in bedrijf|actief|"
        "en service|actif|active|betriebsbereit|verfugbar|en servicio|operativo|activo|attivo|attiva|in servizio|v provozu|"
        "czynna|czynny|aktywna|aktywny|i drift",
        "offline": "offline|nicht erreichbar|unreachable|niet bereikbaar|hors ligne",
        "faulted": "ausser betrieb|defekt|gestort|storung|in wartung|wartung|out of service|faulted|faulty|broken|maintenance|"
        "under maintenance|buiten bedrijf|defect|storing|in onderhoud|hors service|en panne|en maintenance|"
        "fuera de servicio|averiado|fuori servizio|guasto|mimo provoz|porucha|nieczynna|nieczynny|uszkodzona|ur drift|ute av drift|ude af drift",
        "warehouse": "lager|im lager|geplant|in planung|planned|in stock|warehouse|spare|magazijn|op voorraad|gepland|en stock|prevu",
        "decommissioned": "stillgelegt|demontiert|abgebaut|ruckgebaut|decommissioned|removed|dismantled|retired|verwijderd|"
        "gedemonteerd|buiten gebruik|demonte|retire|supprime|retirado|dismesso|vyrazeno|zruseno|zlikwidowana|avvecklad",
    }.items()
    for word in words.split("|")
}
"""What registers call the states of a station's life; proposed for a map, never applied to a cell."""
