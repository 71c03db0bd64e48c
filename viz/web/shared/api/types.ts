/**
 * What the HTTP API answers, as the pages use it. Ids are text, moments ISO 8601 in UTC, money integer fen,
 * mass integer grams. Fields named `text_key` are keys of the locale files, filled with `facts`.
 */

export type Locale = "zh" | "en";
export type Facts = Record<string, unknown>;
export type Role =
  | "operator"
  | "picker"
  | "keeper"
  | "officer"
  | "approver"
  | "borrower"
  | "auditor"
  | "admin";

export interface ListOf<T> {
  items: T[];
  next_cursor: string | null;
}

/** An RFC 9457 problem document; every other member is a fact. */
export interface ProblemDocument extends Facts {
  type: string;
  title: string;
  status: number;
  key: string;
}

// --- identity --------------------------------------------------------------------------------

export interface Site {
  site_id: string;
  name_en: string;
  name_zh: string;
  mode?: "warehouse" | "ranch";
}

/** What a site is called; all that a bank that was invited there sees of it. */
export type SiteName = Omit<Site, "mode">;

export interface Person {
  person_id: string;
  username: string;
  display_name: string;
  roles: Role[];
  /** Null until the person chooses one. */
  locale: Locale | null;
}

export interface Party {
  party_id: string;
  kind: "bank" | "keeper" | "owner" | "carrier";
  name: string;
}

export interface SignedIn {
  person: Person;
  party: Party;
  csrf_token: string;
  expires_at: string;
}

/** A session with the sites that its person may see. */
export interface Session extends SignedIn {
  sites: Site[];
}

// --- layout ----------------------------------------------------------------------------------

export interface Zone {
  zone_id: string;
  kind: "storage" | "staging" | "dock" | "yard" | "road" | "pen" | "pasture" | "fence" | "no_go";
  outline_mm: [number, number][];
  name_en?: string;
  name_zh?: string;
}

export interface Rack {
  rack_id: string;
  zone_id: string;
  x_mm: number;
  y_mm: number;
  rotation_deg: number;
  bays: number;
  levels: number;
  bay_width_mm: number;
  depth_mm: number;
  level_height_mm: number;
  first_level_mm: number;
}

export interface Weighbridge {
  weighbridge_id: string;
  zone_id: string;
  x_mm: number;
  y_mm: number;
  length_mm: number;
  width_mm: number;
  rotation_deg: number;
}

export interface Gate {
  gate_id: string;
  zone_id: string;
  x_mm: number;
  y_mm: number;
  rotation_deg: number;
  width_mm: number;
  lane_weighbridge_id?: string | null;
}

export interface Mount {
  mount_id: string;
  family: string;
  serves: string;
  x_mm: number;
  y_mm: number;
  z_mm: number;
  rotation_deg: number;
}

export interface Layout {
  site_id: string;
  version?: number | string;
  name_en: string;
  name_zh: string;
  time_zone: string;
  width_mm: number;
  length_mm: number;
  height_mm: number;
  mode: "warehouse" | "ranch";
  zones: Zone[];
  racks: Rack[];
  gates: Gate[];
  weighbridges: Weighbridge[];
  mounts: Mount[];
}

// --- the live scene --------------------------------------------------------------------------

export interface Point {
  x_m: number;
  y_m: number;
  z_m: number;
}

export type Modality = "tag" | "mass" | "position" | "sight";
export type EvidenceState = "claimed" | "seen" | "verified" | "missing";
export type UnitStatus = "free" | "held" | "pledged" | "reserved";
export type Grade = "note" | "check" | "restrict" | "freeze";
export type Place = "slot" | "staging" | "floor" | "gate" | "vehicle" | "left" | "unknown";

export interface Unit {
  unit_id: string;
  sscc: string;
  epc_hex: string | null;
  lot_id: string;
  sku: string;
  slot_id: string | null;
  place: Place;
  point: Point | null;
  evidence: EvidenceState;
  modalities: Modality[];
  last_seen_at: string | null;
  status: UnitStatus;
  alarm: Grade | null;
  quantity_each: number;
  mass_g: number | null;
}

export interface Sighting {
  observation_id: string;
  device_id: string;
  kind: string;
  at: string;
  text_key: string;
  facts: Facts;
}

export interface UnitDetail extends Unit {
  owner: string;
  claims: { slot_id: string | null; claimed_at: string; cause: string }[];
  sightings: Sighting[];
  hold: { hold_id: string; reason_code: string; holder_ref: string } | null;
  receipt_id: string | null;
  expected_mass_g: number | null;
}

export interface Asset {
  asset_id: string;
  index: number;
  kind: "forklift" | "person" | "truck";
  label: string;
  point: Point;
  heading_deg: number;
  load_epc: string | null;
  at: string;
  state: "live" | "stale";
}

export interface BarrierView {
  gate_id: string;
  device_id: string;
  is_open: boolean;
  at: string;
}

export interface WeighbridgeView {
  weighbridge_id: string;
  vehicle_id: string | null;
  mass_g: number | null;
  at: string | null;
}

export interface VehicleView {
  vehicle_id: string;
  plate: string;
  state: string;
}

export interface Scene {
  revision: number;
  units: Unit[];
  assets: Asset[];
  barriers: BarrierView[];
  weighbridges: WeighbridgeView[];
  vehicles: VehicleView[];
}

export interface AlarmEvidence {
  observation_id: string;
  device_id: string;
  /** Null where it tells of the device itself. */
  modality: Modality | null;
  at: string;
  summary: string;
}

export interface Alarm {
  alarm_id: string;
  site_id: string;
  kind: string;
  grade: Grade;
  state: "active" | "cleared";
  acknowledged_at: string | null;
  /** Told only to those who see the whole site. */
  acknowledged_by: string | null;
  acknowledged_by_name: string | null;
  raised_at: string;
  cleared_at: string | null;
  /** Why a person closed it; null when it was withdrawn, and for those who do not see the whole site. */
  clear_reason: string | null;
  lot_ids: string[];
  unit_ids: string[];
  gate_id: string | null;
  vehicle_id: string | null;
  point: Point | null;
  text_key: string;
  facts: Facts;
  evidence: AlarmEvidence[];
}

export interface Activity {
  cursor: string;
  at: string;
  kind: string;
  text_key: string;
  facts: Facts;
}

/** Text frames of `WS /sites/{site}/stream`; poses come as binary frames. */
export type StreamMessage =
  | { type: "hello"; revision: number; server_time: string }
  | { type: "units"; revision: number; units: Unit[] }
  | { type: "assets"; assets: Asset[] }
  | { type: "alarm"; cursor: string; alarm: Alarm }
  | { type: "event"; cursor: string; event: Omit<Activity, "cursor"> }
  | ({ type: "barrier" } & BarrierView)
  | ({ type: "weighbridge" } & WeighbridgeView);

// --- lots and evidence -----------------------------------------------------------------------

export interface Interval {
  low: number;
  mid: number;
  high: number;
}

export type ModalityAges = Partial<Record<Modality, string | null>>;

export interface Lot {
  lot_id: string;
  /** What people call the lot; unique within a site. */
  code: string;
  sku: string;
  name: string;
  name_en: string;
  name_zh: string;
  owner_party_id: string;
  owner_name: string;
  book: { units: number; quantity_each: number; mass_g: number };
  verified: Interval;
  mass_g: Interval | null;
  modalities: ModalityAges;
  held_units: number;
  discrepancies: number;
  /** Null until a sensor has seen any of it. */
  as_of: string | null;
}

export interface Evidence {
  lot_id: string;
  verified: Interval;
  mass_g: Interval | null;
  modalities: ModalityAges;
  /** Null until a sensor has seen any of it. */
  as_of: string | null;
  units: {
    unit_id: string;
    sscc: string;
    probability: number;
    reasons: { observation_id: string; modality: Modality; at: string; text_key: string; facts?: Facts }[];
  }[];
  discrepancies: {
    kind: string;
    unit_id: string;
    since: string;
    cause: string;
    text_key: string;
    facts: Facts;
  }[];
  evidence_ids: string[];
}

// --- warehouse work --------------------------------------------------------------------------

export interface Delivery {
  delivery_id: string;
  lot_id: string;
  lot_code: string;
  owner_party_id: string;
  owner_name: string | null;
  sku: string;
  visit_id: string;
  plate: string;
  state: "announced" | "arrived" | "receiving" | "received" | "cancelled";
  cancelled_reason: string | null;
  units_expected: number;
  units_seen: number;
  units_put_away: number;
  gross_g: number | null;
  tare_g: number | null;
  net_g: number | null;
  expected_net_g: number;
  announced_at: string;
  discrepancies: number;
}

export interface Task {
  task_id: string;
  kind: "putaway" | "pick";
  state: "open" | "claimed" | "done" | "cancelled";
  unit_id: string;
  sscc: string | null;
  sku: string;
  quantity_each: number;
  from_place: string;
  /** A slot, or the code of a floor area. */
  to_place: string;
  to_slot_id: string | null;
  claimed_by: string | null;
  claimed_by_name: string | null;
  order_id: string | null;
  created_at: string;
  priority: number;
}

export interface Scan {
  sequence: number;
  observed_at: string;
  code: string;
  place_code: string | null;
  symbology: string;
  task_id: string | null;
}

export interface ScanResult {
  sequence: number;
  outcome: "done" | "refused" | "noted";
  key: string | null;
  facts: Facts;
  task: Task | null;
}

export interface ScanAnswer {
  acked_through: { boot: number; sequence: number };
  results: ScanResult[];
}

export interface Visit {
  visit_id: string;
  vehicle_id: string;
  plate: string;
  epc_hex: string;
  purpose: "delivery" | "pickup";
  state: "expected" | "admitted" | "leaving" | "left" | "cancelled";
  expected_at: string;
  admitted_at: string | null;
  left_at: string | null;
  cancelled_reason: string | null;
}

/** What a bank answered to a stated empty mass; `is_own`: the bank of whoever reads this. */
export interface TareAnswer {
  party: string | null;
  is_own: boolean;
  is_approved: boolean;
  reason: string;
  answered_at: string;
}

/** What a vehicle weighed on a stay. `left_refused`: it left past the gate's refusal. */
export interface WeighedStay {
  visit_id: string;
  entry_mass_g: number | null;
  exit_mass_g: number | null;
  admitted_at: string | null;
  left_at: string | null;
  left_refused: boolean;
}

/** What a vehicle is said to weigh empty, and the document that it rests on. */
export interface Tare {
  tare_id: string;
  vehicle_id: string;
  plate: string;
  mass_g: number;
  document: string;
  proposed_by: string | null;
  proposed_at: string;
  answers: TareAnswer[];
  ended_at: string | null;
  end_cause: "replaced" | "withdrawn" | null;
  end_reason: string | null;
  ended_by: string | null;
  stays: WeighedStay[];
}

export type OrderState = "received" | "held" | "refused" | "short" | "allocated" | "picking" | "ready" | "shipped" | "cancelled";

export interface OrderLine {
  line_no: number;
  sku: string;
  quantity_each: number;
  reserved_each: number;
  picked_each: number;
  shipped_each: number;
  state: "refused" | "waiting" | "short" | "allocated" | "picked" | "shipped";
}

/** What orders can still be promised of an owner's item at a site. */
export interface FreeStock {
  owner_party_id: string;
  sku: string;
  free_each: number;
}

export interface Order {
  order_id: string;
  reference: string;
  customer: string;
  state: OrderState;
  lines: OrderLine[];
  reasons: { line_no: number; key: string; facts: Facts }[];
  placed_at: string;
  ended_reason: string | null;
  /** Something is picked that no release lets out yet. */
  is_releasable: boolean;
}

export interface Release {
  release_id: string;
  reference: string | null;
  gate_id: string;
  plate: string | null;
  state: "issued" | "at_gate" | "departed" | "expired" | "cancelled";
  unit_ids: string[];
  expected_mass_g: number;
  valid_from: string;
  valid_until: string;
}

// --- finance ---------------------------------------------------------------------------------

/** One pledge valued, or the sum of all; factors of a sum are the lowest of its parts. */
export interface Valuation {
  receipt_id: string | null;
  book_units: number;
  verified_low: number;
  /** Pieces of the counted units that are lent on, and those beyond what was weighed for certain. */
  counted_each: number;
  unweighed_each: number;
  modalities: Modality[];
  modality_factor: string | number;
  freshness_factor: string | number;
  advance_rate: string | number;
  /** Mean value of the counted units. */
  unit_value_fen: number;
  /** Price of the counted units. */
  value_fen: number;
  other_claims_fen: number;
  lendable_fen: number;
  age_h: number | null;
  priced_at: string | null;
  price_source: string;
}

export interface LendableExplained extends Valuation {
  parts: Valuation[];
}

export interface Margin {
  state: "ok" | "warning" | "call" | "sell";
  debt_fen: number;
  shortfall_fen: number;
}

/** One observation that shows pledged pallets on site. */
export interface Witness {
  observation_id: string;
  device_id: string;
  modality: Modality;
  at: string;
  unit_ids: string[];
  ssccs: string[];
}

/** A pallet by its label. */
export interface UnitLabel {
  unit_id: string;
  sscc: string;
}

export interface Thaw {
  thaw_id: string;
  evidence: Witness[];
  /** Pledged pallets that it gives up as lost. */
  lost: UnitLabel[];
  proposed_by: string;
  proposed_by_name: string | null;
  proposed_at: string;
  reason: string;
}

export interface Facility {
  facility_id: string;
  bank_party_id: string;
  bank_name: string;
  borrower_party_id: string;
  borrower_name: string;
  site_id: string;
  /** As it was called when the facility was opened. */
  site_name_en: string;
  site_name_zh: string;
  limit_fen: number;
  currency: string;
  rate: string;
  state: "open" | "frozen" | "closed";
  frozen: {
    alarm_id: string | null;
    at: string;
    reason_key: string;
    facts: Facts;
    evidence: AlarmEvidence[];
  } | null;
  drawn_fen: number;
  interest_fen: number;
  pledged_value_fen: number;
  lendable_fen: number;
  available_fen: number;
  margin: Margin;
  thaw: Thaw | null;
  freshness_age_h: number | null;
  lendable_explained: LendableExplained;
}

export interface Drawdown {
  drawdown_id: string;
  facility_id?: string;
  state: "proposed" | "approved" | "refused";
  amount_fen: number;
  maturity_date: string;
  proposed_by: string;
  proposed_by_name: string | null;
  proposed_at: string;
  /** Who approved or refused it; null while it waits. */
  decided_by: string | null;
  decided_by_name: string | null;
  decided_at: string | null;
  reason: string | null;
}

export interface Loan {
  loan_id: string;
  facility_id: string;
  principal_fen: number;
  outstanding_fen: number;
  interest_fen: number;
  rate: string;
  drawn_on: string;
  maturity_on: string;
  state: "active" | "repaid";
}

export interface HistoryEntry {
  at: string;
  kind: string;
  by: string;
  /** None for the product's own hand. */
  by_name: string | null;
  facts: Facts;
}

/** A device of the site that the bank does not vouch for; money stands still while others do (`is_evidence`). */
export interface Unvouched {
  device_id: string;
  is_evidence: boolean;
  accepted_by: string[];
  /** Of the bank's own last acceptance; null when there was none. */
  ended_at: string | null;
  end_cause: "enrolled" | "distrusted" | "layout" | "rekeyed" | "cloned" | null;
}

export interface FacilityDetail extends Facility {
  /** For the bank that the keeper invited to look at the site's devices; null for others. */
  unvouched: Unvouched[] | null;
  /** What may be named to thaw it, those pallets first that the freeze concerns; empty unless frozen. */
  thaw_evidence: Witness[];
  /** Pledged, and not on site by what sensors saw; empty unless frozen. */
  missing_units: UnitLabel[];
  receipts: Receipt[];
  loans: Loan[];
  drawdowns: Drawdown[];
  history: HistoryEntry[];
}

/** What a bank says one piece is worth, and what that is to the other prices of the same goods. */
export interface Price {
  price_id: string;
  sku: string;
  currency: string;
  price_fen_each: number;
  source: string;
  quoted_at: string;
  set_at: string;
  set_by: string;
  set_by_name: string | null;
  state: "proposed" | "in_force" | "refused";
  standing: "counts" | "replaced" | "waiting" | "overtaken" | "refused";
  /** Null when it needed no second person, or none has come yet. */
  approved_by: string | null;
  approved_by_name: string | null;
  approved_at: string | null;
  /** Null unless it was refused or taken back. */
  refused_by: string | null;
  refused_by_name: string | null;
  refused_at: string | null;
  refusal_reason: string | null;
}

/** An item of the catalogue. `unit_mass_g` is 0 when nobody stated it. */
export interface Sku {
  sku: string;
  name_en: string;
  name_zh: string;
  unit_mass_g: number;
  handling: string;
}

/** A bank that may look at a site's devices. */
export interface Inspector {
  party_id: string;
  name: string;
  since: string;
}

/** One thing that a device of a family is given. */
export interface FamilyParameter {
  name: string;
  type: "text" | "integer" | "number" | "boolean" | "list of integers" | "key" | "secret" | "digits" | "view" | "node";
  /** In English, from the driver's manifest. */
  text: string;
  required: boolean;
  default: string | number | boolean | number[] | null;
  unit: string;
  minimum: number | null;
  maximum: number | null;
  choices: string[];
  /** It names a machine. */
  is_host: boolean;
}

export interface DeviceFamily {
  family: string;
  name_en: string;
  name_zh: string;
  /** Whether it signs in with the secret that its enrolment answers. */
  has_credential: boolean;
  parameters: FamilyParameter[];
}

export interface EnrolledDevice {
  device_id: string;
  site_id: string;
  secret: string;
}

export interface Receipt {
  receipt_id: string;
  number: string;
  /** `released` for a bank that has given it back: then it is shown as it was at `seen_until`. */
  state: "issued" | "pledged" | "cancelled" | "released";
  seen_until: string | null;
  keeper_party_id: string;
  keeper_name: string;
  depositor_party_id: string;
  depositor_name: string;
  controller_party_id: string;
  controller_name: string;
  site_id: string;
  lot_id: string;
  sku: string;
  goods: string;
  quality: string;
  package: string;
  marks: string;
  unit_ids: string[];
  /** What the units' labels say, in the same order. */
  ssccs: string[];
  /** Those of the units that have not been delivered. */
  live_units: number;
  quantity_each: number;
  mass_g: number;
  place: string;
  issued_at: string;
  closed_at: string | null;
  storage_until: string;
  loss_standard: string;
  insurance: string;
  fee_terms: string;
  /** The keeper's claim for fees, which ranks before a pledge. */
  lien_fen: number;
  verified: (Interval & { modalities: ModalityAges; as_of: string | null }) | null;
  pledge: {
    pledge_id: string;
    facility_id: string;
    bank_party_id: string;
    pledged_at: string;
    released_at: string | null;
  } | null;
  history: HistoryEntry[];
}

export interface LedgerAccount {
  account_id: string;
  name: string;
  kind: string;
  party_id: string | null;
  balance_fen: number;
  currency: string;
}

export interface LedgerEntry {
  entry_id: string;
  at: string;
  business_date: string;
  text_key: string;
  facts: Facts;
  postings: { account_id: string; amount_fen: number }[];
}

// --- devices ---------------------------------------------------------------------------------

export type DeviceState = "online" | "offline" | "gap" | "fault" | "never" | "retired";

/** A party's acceptance of a device that stands; `is_own`: of the party that is signed in. */
export interface Acceptance {
  party: string | null;
  accepted_at: string;
  is_own: boolean;
}

export interface Device {
  device_id: string;
  family: string;
  family_name_en: string;
  family_name_zh: string;
  mount_id: string | null;
  subject_ref: string | null;
  state: DeviceState;
  last_seen_at: string | null;
  /** How far the device's clock is ahead of ours, in milliseconds; negative when it is behind. */
  clock_skew_ms: number | null;
  error_count: number;
  quarantined: number;
  /** Numbers that never came, between others that did. */
  missing_count: number;
  retired_at: string | null;
  /** What its family asks for to reach it; no secrets. */
  connection: Readonly<Record<string, unknown>>;
  /** Counts up with each new place, connection or credential. */
  enrolment: number;
  enrolled_at: string;
  /** Names of parties. While it waits, what the device says is no evidence. */
  enrolled_by: string | null;
  acceptance: "not_needed" | "waiting" | "accepted";
  accepted_at: string | null;
  accepted_by: string | null;
  /** All that stand, the first of them first: a bank's money rests on what it accepted itself. */
  acceptances: readonly Acceptance[];
  /** The party, other than ours, that made the key with which the device signs in: it can make it say anything. */
  key_held_by: string | null;
  /** Share of what it sent that could not be accepted; null before it sent anything. */
  error_rate: number | null;
  /** How well its driver is shown to work. */
  tier: "bronze" | "silver" | "gold" | null;
  /** The end of the certificate that is valid longest, a date. */
  calibrated_until: string | null;
  /** What a person may have it do, with the words that each parameter of an order takes. */
  orders: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>;
}

/** One order to a device, and what became of it. */
export interface DeviceOrder {
  number: number;
  command_id: string;
  device_id: string;
  action: string;
  parameters: Facts;
  /** `manual: …` with a person's reason, else a word of the product's. */
  cause: string;
  ref_id: string | null;
  ordered_by: string;
  state: "queued" | "sent" | "confirmed" | "failed";
  failure: string | null;
  queued_at: string;
  valid_until: string;
  sent_at: string | null;
  settled_at: string | null;
}

/** A pallet's label is on its way to a printer; a copy says that it is one. */
export interface LabelOrdered {
  command_id: string;
  is_copy: boolean;
}

/** Who did what to a device. */
export interface DeviceAct {
  number: number;
  at: string;
  act: "enrolled" | "accepted" | "distrusted" | "lapsed" | "rekeyed" | "cloned" | "calibrated" | "retired";
  enrolment: number;
  party: string | null;
  facts: Facts;
}

export interface AcceptedDevice {
  device_id: string;
  site_id: string;
  /** The device's credential from now on; null where its family has none. */
  secret: string | null;
  /** The other party that made the key that the device has; null where that is ours, or there is none. */
  key_held_by: string | null;
}

export interface QuarantineRow {
  quarantine_id: string;
  /** What the sender called itself, else the address it came from; `*` stands for many. */
  device_id: string;
  /** Nobody of that name was enrolled then. */
  is_stranger: boolean;
  boot: number | null;
  sequence: number | null;
  field: string;
  rule: string;
  raw_preview: string;
  times: number;
  received_at: string;
  last_received_at: string;
}

/** A one-time code with which a handheld enrols; `url` is the path that its QR code holds. */
export interface EnrolmentCode {
  enrolment_code: string;
  device_id: string;
  url: string;
  expires_at: string;
}
