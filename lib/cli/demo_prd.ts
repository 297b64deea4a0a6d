/** The PRD of `ralph demo`, as a user would write it. */
export const DEMO_PRD = `# PRD: A pocket guide to tea

## Type
Feature

## Introduction

Three short pages about tea, to see how ralph works: one story at a time, each by a fresh
agent, each in a commit of its own.

## Goals

- A page for each kind of tea
- Nothing that needs an account

## User Stories

### US-001: Green tea
**Description:** As a reader, I want a page about green tea so that I do not burn it.

**Acceptance Criteria:**
- [ ] The page names the temperature of the water
- [ ] The page names the time

### US-002: Black tea
**Description:** As a reader, I want a page about black tea so that it wakes me up.

**Acceptance Criteria:**
- [ ] The page names the temperature of the water
- [ ] The page names the time
- [ ] Milk is mentioned

### US-003: Herbal tea
**Description:** As a reader, I want a page about herbal tea so that I can sleep.

**Acceptance Criteria:**
- [ ] The page names three herbs
- [ ] The page says that it is not tea

## Non-Goals

- Coffee

## Merge Target

None - leave as standalone branch.
`;
