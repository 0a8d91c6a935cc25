// Who and what the ids in messages mean, for the person who is looking.

export const names = {
  me: "",
  people: new Map(),
  channels: new Map(),
  groups: new Map(),

  /** Takes what the server says about people and channels. */
  learn(people, channels) {
    this.people = new Map(people.map((person) => [person.id, person]));
    this.channels = new Map(channels.map((channel) => [channel.id, channel]));
  },
  user(id) {
    const person = this.people.get(id);
    return person ? person.real_name || person.name : id;
  },
  group(id) {
    return this.groups.get(id)?.handle || id;
  },
  channel(id) {
    const channel = this.channels.get(id);
    return channel ? channel.name : id;
  },
};
