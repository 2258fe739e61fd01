import type { Migration } from '../../base/postgres/migrations.ts'

/**
 * The tables, in the schema `lares`. Columns that are sorted or compared are COLLATE "C". They then compare by code
 * point, as in SQLite, and no update of the system's collations changes that. States, outcomes and bodies are JSON as
 * text, because jsonb takes no NUL.
 *
 * A message is two rows. `messages` holds its content: rows are added and hardly ever changed. The table can therefore
 * be a hypertable, which compresses old chunks. `at` is the message's place: the time of writing, moved forward where
 * needed. No two messages of a conversation share a place, and places follow the order of arrival. `message_states`
 * holds the message's status, found by its id.
 */
export const migrations: Migration[] = [
  {
    name: 'conversations, documents and timers',
    statements: `
      CREATE TABLE lares.conversations (
        id text COLLATE "C" PRIMARY KEY,
        person text COLLATE "C" NOT NULL,
        created_at text COLLATE "C" NOT NULL,
        state text,
        last_at bigint NOT NULL DEFAULT 0);
      CREATE INDEX conversations_of_person ON lares.conversations (person, created_at, id);

      CREATE TABLE lares.journal (
        event_id text COLLATE "C" PRIMARY KEY,
        conversation text COLLATE "C" NOT NULL,
        outcome text NOT NULL,
        at_ms bigint NOT NULL);
      CREATE INDEX journal_by_time ON lares.journal (at_ms);

      CREATE TABLE lares.messages (
        conversation text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        id text COLLATE "C" NOT NULL,
        role text NOT NULL,
        text text NOT NULL,
        in_reply_to text,
        created_at text COLLATE "C" NOT NULL);
      CREATE UNIQUE INDEX messages_in_order ON lares.messages (conversation, at DESC);

      CREATE TABLE lares.message_states (
        id text COLLATE "C" PRIMARY KEY,
        conversation text COLLATE "C" NOT NULL,
        at timestamptz NOT NULL,
        status text NOT NULL,
        sequence bigint NOT NULL);
      CREATE INDEX messages_by_change ON lares.message_states (conversation, sequence);
      CREATE INDEX messages_waiting ON lares.message_states (conversation) WHERE status IN ('queued', 'answering');
      CREATE SEQUENCE lares.changes;

      CREATE TABLE lares.documents (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
        collection text COLLATE "C" NOT NULL,
        person text COLLATE "C" NOT NULL,
        id text COLLATE "C" NOT NULL,
        text text NOT NULL,
        body text NOT NULL,
        created_at text COLLATE "C" NOT NULL,
        length integer NOT NULL,
        UNIQUE (collection, person, id));
      CREATE INDEX documents_by_age ON lares.documents (collection, person, created_at, number) INCLUDE (length);
      CREATE TABLE lares.document_words (
        collection text COLLATE "C" NOT NULL,
        person text COLLATE "C" NOT NULL,
        word text COLLATE "C" NOT NULL,
        document bigint NOT NULL REFERENCES lares.documents ON DELETE CASCADE,
        count integer NOT NULL,
        length integer NOT NULL);
      CREATE INDEX documents_by_word ON lares.document_words (collection, person, word) INCLUDE (document, count, length);
      CREATE INDEX words_of_document ON lares.document_words (document);

      CREATE TABLE lares.timers (
        id text COLLATE "C" PRIMARY KEY,
        conversation text NOT NULL,
        person text COLLATE "C" NOT NULL,
        text text NOT NULL,
        language text NOT NULL,
        due_at text COLLATE "C" NOT NULL,
        state text NOT NULL);
      CREATE INDEX timers_waiting ON lares.timers (due_at) WHERE state = 'waiting';
      CREATE INDEX timers_of_person ON lares.timers (person, due_at) WHERE state = 'waiting'`,
  },
  {
    name: 'audit',
    statements: `
      CREATE TABLE lares.audit (
        sequence bigint PRIMARY KEY,
        id text COLLATE "C" NOT NULL UNIQUE,
        text text NOT NULL,
        hash text NOT NULL)`,
  },
  {
    name: 'model calls',
    statements: `
      CREATE TABLE lares.model_calls (
        at timestamptz NOT NULL,
        model text NOT NULL,
        input_tokens integer NOT NULL,
        output_tokens integer NOT NULL);
      CREATE INDEX model_calls_by_time ON lares.model_calls (at)`,
  },
  {
    name: 'how messages stand, in their order',
    statements: `
      CREATE INDEX message_states_in_order ON lares.message_states (conversation, at DESC) INCLUDE (status, sequence)`,
  },
  {
    name: 'attachments of messages',
    statements: 'ALTER TABLE lares.messages ADD COLUMN attachments text',
  },
  {
    name: 'addresses and senders',
    statements: `
      ALTER TABLE lares.messages ADD COLUMN address text;
      ALTER TABLE lares.messages ADD COLUMN sender text;
      ALTER TABLE lares.timers ADD COLUMN address text`,
  },
]
