/**
 * Which buttons a person sees. The server decides again on every command; a button that it would refuse anyway is
 * not drawn, or is drawn with the reason why not.
 */

import type { Drawdown, Facility, Price, Receipt, Role, Session, Thaw } from "@shared/api/types";

function has(session: Session, ...roles: Role[]): boolean {
  return session.person.roles.some((role) => roles.includes(role));
}

/** True when `who`, an id or a user name, is the person who is signed in. */
export function isMe(session: Session, who: string): boolean {
  return who === session.person.person_id || who === session.person.username;
}

/** Only those who may approve see the button; on their own proposal it is closed: a second person decides. */
export type Approval = "may" | "own_proposal" | "not_approver";

function approval(session: Session, proposedBy: string): Approval {
  if (isMe(session, proposedBy)) return "own_proposal";
  return has(session, "approver") ? "may" : "not_approver";
}

export function drawdownApproval(session: Session, drawdown: Drawdown): Approval {
  return approval(session, drawdown.proposed_by);
}

export function thawApproval(session: Session, thaw: Thaw): Approval {
  return approval(session, thaw.proposed_by);
}

export function priceApproval(session: Session, price: Price): Approval {
  return approval(session, price.set_by);
}

export function mayStatePrice(session: Session): boolean {
  return has(session, "officer");
}

/** Prices are the bank's own; a borrower sees those of its pledged goods where they value them. */
export function seesPrices(session: Session): boolean {
  return has(session, "officer", "approver", "auditor") && session.party.kind === "bank";
}

/** Devices concern the bank that lends on their word. */
export function seesDevices(session: Session): boolean {
  return has(session, "officer", "approver", "auditor") && session.party.kind === "bank";
}

export function mayOpenFacility(session: Session): boolean {
  return has(session, "officer");
}

export function mayAcceptDevices(session: Session): boolean {
  return seesDevices(session) && has(session, "officer");
}

/** An empty mass that a keeper stated is approved, refused and withdrawn by the bank's people who decide. */
export function mayAnswerTares(session: Session): boolean {
  return seesDevices(session) && has(session, "officer", "approver");
}

/** An officer or an approver of the bank declines a proposal, or takes back an own one. */
export function mayRefuse(session: Session): boolean {
  return has(session, "officer", "approver");
}

export function mayProposeDrawdown(session: Session, facility: Facility): boolean {
  return has(session, "officer", "borrower") && facility.state === "open";
}

/** Whether money arrived is the bank's word alone. */
export function mayRepay(session: Session): boolean {
  return has(session, "officer");
}

export function paysTheBank(session: Session): boolean {
  return has(session, "borrower");
}

export function mayFreeze(session: Session, facility: Facility): boolean {
  return has(session, "officer") && facility.state === "open";
}

export function mayProposeThaw(session: Session, facility: Facility): boolean {
  return has(session, "officer") && facility.state === "frozen" && facility.thaw === null;
}

/** The controller pledges, and only what is free. */
export function mayPledge(session: Session, receipt: Receipt): boolean {
  const controls = receipt.controller_party_id === session.party.party_id;
  return has(session, "borrower") && controls && receipt.state === "issued";
}

export function mayRelease(session: Session, receipt: Receipt): boolean {
  const isOurs = receipt.pledge?.bank_party_id === session.party.party_id;
  return has(session, "officer") && isOurs && receipt.state === "pledged";
}

export function mayIssue(session: Session): boolean {
  return has(session, "keeper");
}

export function seesLedger(session: Session): boolean {
  return has(session, "officer", "auditor");
}

/** Receipts concern who keeps, owns or lends on the goods; who runs the site has no part in them. */
export function seesReceipts(session: Session): boolean {
  return seesFacilities(session) || mayIssue(session);
}

/** Facilities and loans are between banks and borrowers; a keeper issues receipts and sees no more. */
export function seesFacilities(session: Session): boolean {
  return has(session, "officer", "approver", "borrower", "auditor");
}

/** True for the borrower's people: to them the bank is the other side. */
export function borrows(session: Session): boolean {
  return session.party.kind === "owner";
}

/** True for the people whose work here is to look. */
export function isReadOnly(session: Session): boolean {
  return !has(session, "officer", "approver", "borrower", "keeper");
}
