import { chmodSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePort, runKafkaAcls, runKafkaConfigs, startKafka, temporaryHome } from '@catalogue/local-stack';
import type { Authority } from './certificates.ts';
import { audience, type Issuer } from './issuer.ts';

/** A broker that admits clients by SASL over TLS only, and grants a user nothing but what its ACLs say. */
export interface SecuredKafka extends AsyncDisposable {
  /** Its address for clients, by SASL_SSL with SCRAM-SHA-512, or with OAUTHBEARER if it has an issuer. */
  brokers: string;
  /** Its address for clients that authenticate by a certificate: by SSL. Such a user is named `CN=<host>`. */
  mutual: string;
  /** Adds ACLs: the arguments of kafka-acls.sh behind `--add`. */
  grant(...args: string[]): Promise<void>;
  /** Removes ACLs: the arguments of kafka-acls.sh behind `--remove`. */
  revoke(...args: string[]): Promise<void>;
  changePassword(user: string, password: string): Promise<void>;
}

/** What not every test needs. */
interface SecuredKafkaOptions {
  /** As in server.properties. */
  settings?: Readonly<Record<string, string>>;
  issuer?: Issuer;
}

/**
 * Starts a broker with these users (names and passwords), with a certificate for 127.0.0.1. It also admits the clients of the
 * issuer, if there is one, and has more settings. Disposing of it removes it.
 */
export async function startSecuredKafka(
  authority: Authority,
  users: Readonly<Record<string, string>>,
  { settings = {}, issuer }: SecuredKafkaOptions = {},
): Promise<SecuredKafka> {
  const home = temporaryHome();
  const [port, inside, controllerPort] = [await freePort(), await freePort(), await freePort()];
  const mutual = await freePort();
  const truststore = join(home.path, 'authority.pem');
  writeFileSync(truststore, authority.cert);
  const { cert, key } = await authority.issue();
  const keystore = join(home.path, 'broker.pem');
  writeFileSync(keystore, `${key}\n${cert}\n${authority.cert}`);
  chmodSync(keystore, 0o600);
  const server = await startKafka({
    home: home.path,
    port,
    controllerPort,
    scramUsers: Object.entries(users).map(([name, password]) => `SCRAM-SHA-512=[name=${name},password=${password}]`),
    settings: {
      ...listeners({ port, inside, controllerPort, mutual }),
      ...authorization,
      'ssl.keystore.location': keystore,
      'listener.name.mutual.ssl.truststore.location': truststore,
      ...(issuer === undefined ? {} : tokens(issuer)),
      ...settings,
    },
    ...(issuer === undefined
      ? {}
      : { javaOptions: [`-Dorg.apache.kafka.sasl.oauthbearer.allowed.urls=${issuer.url}/jwks`] }),
  });
  const change = async (...args: string[]) => {
    const { ok, output } = await runKafkaAcls(['--bootstrap-server', `127.0.0.1:${inside}`, ...args]);
    if (!ok) throw new Error(`The ACLs ${args.join(' ')} were not changed: ${output}`);
  };
  return {
    brokers: server.brokers,
    mutual: `127.0.0.1:${mutual}`,
    grant: (...args) => change('--add', ...args),
    revoke: (...args) => change('--remove', '--force', ...args),
    changePassword: async (user, password) => {
      const secret = `SCRAM-SHA-512=[password=${password}]`;
      const of = ['--entity-type', 'users', '--entity-name', user];
      const to = ['--bootstrap-server', `127.0.0.1:${inside}`];
      const { ok, output } = await runKafkaConfigs([...to, '--alter', '--add-config', secret, ...of]);
      if (!ok) throw new Error(`The password of ${user} was not changed: ${output}`);
    },
    [Symbol.asyncDispose]: async () => {
      await server.stop();
      home.remove();
    },
  };
}

/** The broker itself, and whoever sets the ACLs, connect by the listener INSIDE; a real one would authenticate, too. */
function listeners(ports: Record<'port' | 'inside' | 'controllerPort' | 'mutual', number>): Record<string, string> {
  const at = (name: string, port: number) => `${name}://127.0.0.1:${port}`;
  const forClients = [at('SASL_SSL', ports.port), at('MUTUAL', ports.mutual), at('INSIDE', ports.inside)].join();
  return {
    listeners: `${forClients},${at('CONTROLLER', ports.controllerPort)}`,
    'advertised.listeners': forClients,
    'listener.security.protocol.map': 'CONTROLLER:PLAINTEXT,INSIDE:PLAINTEXT,SASL_SSL:SASL_SSL,MUTUAL:SSL',
    'listener.name.mutual.ssl.client.auth': 'required',
    'listener.name.mutual.ssl.truststore.type': 'PEM',
    'inter.broker.listener.name': 'INSIDE',
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512',
    'listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config':
      'org.apache.kafka.common.security.scram.ScramLoginModule required;',
    'ssl.keystore.type': 'PEM',
  };
}

/** Kafka's own check of tokens: it loads the issuer's keys, and ends the sessions of tokens that have expired. */
function tokens({ url }: Issuer): Record<string, string> {
  const module = 'org.apache.kafka.common.security.oauthbearer';
  const listener = 'listener.name.sasl_ssl';
  return {
    'sasl.enabled.mechanisms': 'SCRAM-SHA-512,OAUTHBEARER',
    [`${listener}.oauthbearer.sasl.jaas.config`]: `${module}.OAuthBearerLoginModule required;`,
    [`${listener}.oauthbearer.sasl.server.callback.handler.class`]: `${module}.OAuthBearerValidatorCallbackHandler`,
    [`${listener}.oauthbearer.connections.max.reauth.ms`]: '60000',
    'sasl.oauthbearer.jwks.endpoint.url': `${url}/jwks`,
    'sasl.oauthbearer.expected.issuer': url,
    'sasl.oauthbearer.expected.audience': audience,
  };
}

const authorization = {
  'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
  'super.users': 'User:ANONYMOUS',
};
