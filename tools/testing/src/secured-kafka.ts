import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, runKafkaAcls, startKafka, temporaryHome } from '@catalogue/local-stack';
import type { Authority } from './certificates.ts';

/** A broker that admits clients by SASL over TLS only, and grants a user nothing but what its ACLs say. */
export interface SecuredKafka extends AsyncDisposable {
  /** Its address for clients, by SASL_SSL with SCRAM-SHA-512. */
  brokers: string;
  /** Adds ACLs: the arguments of kafka-acls.sh behind `--add`. */
  grant(...args: string[]): Promise<void>;
  /** Removes ACLs: the arguments of kafka-acls.sh behind `--remove`. */
  revoke(...args: string[]): Promise<void>;
}

/** Starts a broker with these users (names and passwords), with a certificate for 127.0.0.1. Disposing of it removes it. */
export async function startSecuredKafka(
  authority: Authority,
  users: Readonly<Record<string, string>>,
): Promise<SecuredKafka> {
  const home = temporaryHome();
  const [port, inside, controllerPort] = [await freePort(), await freePort(), await freePort()];
  const { cert, key } = await authority.issue();
  const keystore = join(home.path, 'broker.pem');
  writeFileSync(keystore, `${key}\n${cert}\n${authority.cert}`);
  chmodSync(keystore, 0o600);
  const server = await startKafka({
    home: home.path,
    port,
    controllerPort,
    scramUsers: Object.entries(users).map(([name, password]) => `SCRAM-SHA-512=[name=${name},password=${password}]`),
    settings: { ...listeners(port, inside, controllerPort), ...authorization, 'ssl.keystore.location': keystore },
  });
  const change = async (...args: string[]) => {
    const { ok, output } = await runKafkaAcls(['--bootstrap-server', `127.0.0.1:${inside}`, ...args]);
    if (!ok) throw new Error(`The ACLs ${args.join(' ')} were not changed: ${output}`);
  };
  return {
    brokers: server.brokers,
    grant: (...args) => change('--add', ...args),
    revoke: (...args) => change('--remove', '--force', ...args),
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      home.remove();
    },
  };
}

/** The broker itself, and whoever sets the ACLs, connect by the listener INSIDE; a real one would authenticate, too. */
function listeners(port: number, inside: number, controllerPort: number): Record<string, string> {
  return {
    listeners: `SASL_SSL://127.0.0.1:${port},INSIDE://127.0.0.1:${inside},CONTROLLER://127.0.0.1:${controllerPort}`,
    'advertised.listeners': `SASL_SSL://127.0.0.1:${port},INSIDE://127.0.0.1:${inside}`,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT,SASL_SSL:SASL_SSL',
    'inter.broker.listener.name': 'INSIDE',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'ssl.keystore.type': 'PEM',
  };
}

const authorization = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
};
