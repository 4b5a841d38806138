# SPDX-License-Identifier: Apache-2.0
"""The two examples that the standard prints, and what tests make beside them.

FIDO U2F Raw Message Formats 1.2, sections 8.1 and 8.2
(https://fidoalliance.org/specs/fido-u2f-v1.2-ps-20170411/fido-u2f-raw-message-formats-v1.2-ps-20170411.html#examples).
"""

from __future__ import annotations

APP_ID_81 = "http://example.com"
CHALLENGE_81 = "vqrS6WXDe1JUs5_c3i4-LkKIHRr-3XVb3azuA5TifHo"
CLIENT_DATA_81 = (
    b'{"typ":"navigator.id.finishEnrollment","challenge":"vqrS6WXDe1JUs5_c3i4-LkKIHRr-3XVb3azuA5TifHo","cid_pu'
    b'bkey":{"kty":"EC","crv":"P-256","x":"HzQwlfXX7Q4S5MtCCnZUNBw3RMzPO9tOyWjBqRl4tJ8","y":"XVguGFLIZx1fXg3wN'
    b'qfdbn75hi4-_7-BxhMljw42Ht4"},"origin":"http://example.com"}'
)
REQUEST_81 = bytes.fromhex(
    "4142d21c00d94ffb9d504ada8f99b721f4b191ae4e37ca0140f696b6983cfacbf0e6a6a97042a4f1f1c87f5f7d44315b2d852c2d"
    "f5c7991cc66241bf7072d1c4"
)
RESPONSE_81 = bytes.fromhex(
    "0504b174bc49c7ca254b70d2e5c207cee9cf174820ebd77ea3c65508c26da51b657c1cc6b952f8621697936482da0a6d3d3826a5"
    "9095daf6cd7c03e2e60385d2f6d9402a552dfdb7477ed65fd84133f86196010b2215b57da75d315b7b9e8fe2e3925a6019551bab"
    "61d16591659cbaf00b4950f7abfe6660e2e006f76868b772d70c253082013c3081e4a003020102020a4790128000115595735230"
    "0a06082a8648ce3d0403023017311530130603550403130c476e756262792050696c6f74301e170d313230383134313832393332"
    "5a170d3133303831343138323933325a3031312f302d0603550403132650696c6f74476e756262792d302e342e312d3437393031"
    "3238303030313135353935373335323059301306072a8648ce3d020106082a8648ce3d030107034200048d617e65c9508e64bcc5"
    "673ac82a6799da3c1446682c258c463fffdf58dfd2fa3e6c378b53d795c4a4dffb4199edd7862f23abaf0203b4b8911ba0569994"
    "e101300a06082a8648ce3d0403020347003044022060cdb6061e9c22262d1aac1d96d8c70829b2366531dda268832cb836bcd30d"
    "fa0220631b1459f09e6330055722c8d89b7f48883b9089b88d60d1d9795902b30410df304502201471899bcc3987e62e8202c9b3"
    "9c33c19033f7340352dba80fcab017db9230e402210082677d673d891933ade6f617e5dbde2e247e70423fd5ad7804a6d3d3961e"
    "f871"
)
SIGNED_81 = bytes.fromhex(
    "00f0e6a6a97042a4f1f1c87f5f7d44315b2d852c2df5c7991cc66241bf7072d1c44142d21c00d94ffb9d504ada8f99b721f4b191"
    "ae4e37ca0140f696b6983cfacb2a552dfdb7477ed65fd84133f86196010b2215b57da75d315b7b9e8fe2e3925a6019551bab61d1"
    "6591659cbaf00b4950f7abfe6660e2e006f76868b772d70c2504b174bc49c7ca254b70d2e5c207cee9cf174820ebd77ea3c65508"
    "c26da51b657c1cc6b952f8621697936482da0a6d3d3826a59095daf6cd7c03e2e60385d2f6d9"
)

APP_ID_82 = "https://gstatic.com/securitykey/a/example.com"
CHALLENGE_82 = "opsXqUifDriAAmWclinfbS0e-USY0CgyJHe_Otd7z8o"
CLIENT_DATA_82 = (
    b'{"typ":"navigator.id.getAssertion","challenge":"opsXqUifDriAAmWclinfbS0e-USY0CgyJHe_Otd7z8o","cid_pubkey'
    b'":{"kty":"EC","crv":"P-256","x":"HzQwlfXX7Q4S5MtCCnZUNBw3RMzPO9tOyWjBqRl4tJ8","y":"XVguGFLIZx1fXg3wNqfdb'
    b'n75hi4-_7-BxhMljw42Ht4"},"origin":"http://example.com"}'
)
PUBLIC_KEY_82 = bytes.fromhex(
    "04d368f1b665bade3c33a20f1e429c7750d5033660c019119d29aa4ba7abc04aa7c80a46bbe11ca8cb5674d74f31f8a903f6bad1"
    "05fb6ab74aefef4db8b0025e1d"
)
REQUEST_82 = bytes.fromhex(
    "03ccd6ee2e47baef244d49a222db496bad0ef5b6f93aa7cc4d30c4821b3b9dbc574b0be934baebb5d12d26011b69227fa5e86df9"
    "4e7d94aa2949a89f2d493992ca402a552dfdb7477ed65fd84133f86196010b2215b57da75d315b7b9e8fe2e3925a6019551bab61"
    "d16591659cbaf00b4950f7abfe6660e2e006f76868b772d70c25"
)
RESPONSE_82 = bytes.fromhex(
    "0100000001304402204b5f0cd17534cedd8c34ee09570ef542a353df4436030ce43d406de870b847780220267bb998fac9b7266e"
    "b60e7cb0b5eabdfd5ba9614f53c7b22272ec10047a923f"
)
SIGNED_82 = bytes.fromhex(
    "4b0be934baebb5d12d26011b69227fa5e86df94e7d94aa2949a89f2d493992ca0100000001ccd6ee2e47baef244d49a222db496b"
    "ad0ef5b6f93aa7cc4d30c4821b3b9dbc57"
)

ORIGIN = "http://example.com"
"""Of both examples; the standard's own are http."""
