"""Profiles that break no law, one of each method, for tests that break one law each."""

from __future__ import annotations

HEAD = "schema: migrate.profile-file/1\nprofiles:\n"

LEAST = (
    HEAD
    + """\
  - name: acme_ac22
    title: Acme AC22
    selector: {vendors: [Acme]}
    method: change_configuration
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes: [{key: Url, value: "${url}"}]
    sources: [acme/firmware@1 config.c]
"""
)
"""Nothing can be left out of it."""

SOUND = (
    HEAD
    + """\
  - name: acme_ac22
    title: Acme AC22
    selector: {vendors: ["Acme*"], models: ["AC22*"], firmware: {at_least: "4.0", below: "5.0"}}
    method: change_configuration
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: Port, value: "${port}"}
      - {key: Host, value: "${host}"}
    restart: soft
    sources: ["acme/firmware@1 config.c"]
"""
)
SLOTTED = (
    HEAD
    + """\
  - name: acme_slots
    title: Acme with slots
    selector: {vendors: ["Acme*"]}
    method: change_configuration
    rollback: automatic
    turning_point: restart
    proof: {level: documented}
    slots: {keys: [P1, P2], priority_key: Prio}
    writes:
      - {key: "${free_slot}", value: "${url}"}
      - {key: Prio, value: "${free_slot},${active_slot}"}
    finish:
      clean_up: [{key: Prio, value: "${active_slot}"}]
      password: [{key: AuthorizationKey, secret: station_password, encoding: hex}]
      raise_security: [{key: SecurityProfile, value: "2"}]
    notes: ["The raise is one-way."]
    quirks: {falls_back: true}
    sources: ["acme/firmware@1 config.c"]
"""
)
NETWORK = (
    HEAD
    + """\
  - name: acme_201
    title: Acme by network profiles
    selector: {vendors: ["Acme*"], ocpp_versions: ["2.0.1", "2.1"]}
    method: network_profile
    rollback: automatic
    turning_point: restart
    proof: {level: documented}
    slots:
      keys: ["NetworkProfile[1]", "NetworkProfile[2]"]
      names: ["1", "2"]
      priority_key: OCPPCommCtrlr.NetworkConfigurationPriority
      active_key: OCPPCommCtrlr.ActiveNetworkProfile
    writes:
      - {key: CSMSRootCertificate, via: certificate, value: "${root}"}
      - key: "${free_slot}"
        stays: true
        readback: masked
        fields: {ocppVersion: OCPP20, ocppTransport: JSON, ocppCsmsUrl: "${url}", messageTimeout: "30",
                 securityProfile: "${security_profile}", ocppInterface: Wired0}
      - {key: OCPPCommCtrlr.NetworkConfigurationPriority, value: "${free_slot},${active_slot}"}
    quirks: {falls_back: true}
    sources: ["acme/firmware@1 network.c"]
"""
)
SCRIPTED = (
    HEAD
    + """\
  - name: acme_box
    title: Acme Box by script
    selector: {vendors: ["Acme*"]}
    method: script
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: backend_url, value: "${url}"}
    restart_via: ssh
    script:
      read: [acme-config, get, "${key}"]
      write: ["${script}", "${key}", "--value=${value}"]
      restart: [reboot]
      file: acme-set.sh
      user: root
      key: acme_ssh
      secret: acme_ssh_passphrase
      by_jump: true
      exits: {3: busy, 4: refused, 5: unknown_key}
      timeout: 30s
    sources: ["acme/firmware@1 setup.sh"]
"""
)
HTTP = (
    HEAD
    + """\
  - name: acme_web
    title: Acme by HTTP
    selector: {vendors: ["Acme*"]}
    method: http
    rollback: remote
    turning_point: write
    proof: {level: documented}
    restart: none
    writes:
      - {key: url, value: "${url}"}
    http:
      base: "http://${ip}"
      auth: digest
      user: admin
      secret: acme_web
      keys:
        url:
          read:
            - {path: /ocpp/config, picks: {config: "$", value: url}}
          write:
            - {path: /ocpp/config, method: PUT, json: {"...": "${config}", enable: true, url: "${value}"},
               expect: [200, 204], busy: [409], picks: {version: "data[0].version"}}
            - {path: "/ocpp/apply/${version}", method: POST, form: {serial: "${serial}"}}
            - {path: /ocpp/state, picks: {state: state},
               until: {pick: state, is_one_of: ["done"], failed: ["error"], every: 2s, within: 1m}}
    sources: ["acme/firmware@1 web.c"]
"""
)
CLOUD = (
    HEAD
    + """\
  - name: acme_cloud
    title: Acme through its maker's cloud
    selector: {vendors: ["Acme*"]}
    method: http
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    restart_via: http
    writes:
      - {key: url, value: "${url}"}
    http:
      base: https://api.acme.example
      auth: bearer
      user: operator
      secret: acme_cloud
      login:
        - {path: /login, method: POST, json: {userName: "${user}", password: "${secret}"}, picks: {token: accessToken}}
      keys:
        url:
          read: [{path: "/chargers/${serial}", picks: {value: ocpp.url}}]
          write: [{path: "/chargers/${serial}", method: POST, query: {wait: "1"}, json: {ocpp: {urls: ["${value}"]}}}]
      restart: [{path: "/chargers/${serial}/restart", method: POST}]
    sources: ["acme cloud guide"]
"""
)
FLASHED = (
    HEAD
    + """\
  - name: acme_old
    title: Acme, old firmware
    selector: {vendors: ["Acme*"], firmware: {below: "5.0"}}
    method: firmware
    rollback: remote
    turning_point: restart
    proof: {level: documented}
    writes:
      - {key: firmware, via: firmware, value: "5.2"}
      - {key: Url, value: "${url}"}
    firmware:
      steps: ["4.9", "5.2"]
      protocols: [https, http, ftp]
      retries: 2
      retry_interval: 3m
      within: 45m
    sources: ["acme release notes"]
"""
)
CARRIED = (
    HEAD
    + """\
  - name: acme_image
    title: Acme, the image holds the address
    selector: {vendors: ["Acme*"]}
    method: firmware
    rollback: visit
    turning_point: write
    proof: {level: documented}
    restart: none
    writes:
      - {key: firmware, via: firmware, value: "5.2"}
    firmware: {steps: ["5.2"], protocols: [ftp], carries_address: true}
    notes: ["Nothing takes the image out again."]
    sources: ["acme release notes"]
"""
)
VISIT = (
    HEAD
    + """\
  - name: acme_visit
    title: Acme by hand
    selector: {vendors: ["Acme*"]}
    method: visit
    rollback: visit
    turning_point: visit
    proof: {level: documented}
    visit: ["Enter ${url}"]
    sources: ["acme manual"]
"""
)
SAMPLES = {
    "keys": SOUND,
    "slots": SLOTTED,
    "network profiles": NETWORK,
    "script": SCRIPTED,
    "http": HTTP,
    "cloud": CLOUD,
    "firmware": FLASHED,
    "firmware that carries the address": CARRIED,
    "visit": VISIT,
}
