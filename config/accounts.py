"""The demo's accounts as `script/server` shows them; `docs/` and the API document name the same."""

DEMO_PASSWORD = "demo"

DEMO_ACCOUNTS = (
    ("researcher.suzhou@demo.example", "researcher of a company in Suzhou Industrial Park"),
    ("researcher.shanghai@demo.example", "researcher of a company in Pudong, Shanghai"),
    ("researcher.wujiang@demo.example", "researcher of a company in Wujiang, Suzhou"),
    ("researcher.fudan@demo.example", "researcher at Fudan University"),
    ("manager.fudan@demo.example", "facility manager, Fudan University"),
    ("manager.soochow@demo.example", "facility manager, Soochow University"),
    ("manager.nanox@demo.example", "facility manager, Nano-X"),
    ("billing.fudan@demo.example", "billing office, Fudan University"),
    ("billing.soochow@demo.example", "billing office, Soochow University"),
    ("billing.nanox@demo.example", "billing office, Nano-X"),
    ("billing.suzhou@demo.example", "billing office of the company in Suzhou"),
    ("programme.shanghai@demo.example", "voucher programme office, Shanghai"),
    ("programme.suzhou@demo.example", "voucher programme office, Suzhou"),
    ("admin@demo.example", "administrator"),
)
