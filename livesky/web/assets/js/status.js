// The bar on top and the notices: connected or not, on the air or not, and what to do about it.

import { byId, el, setText } from './dom.js';
import { rate, span } from './format.js';

const CONNECTION = { connecting: 'Connecting', live: 'Live', reconnecting: 'Reconnecting', ended: 'Ended' };

export function createStatus({ onChoose }) {
  const notice = byId('notice');
  const choice = byId('channel-choice');
  let overview = null;
  let connection = 'connecting';
  let reason = '';
  let isOnAir = true;
  let hasView = false;
  choice.addEventListener('change', () => onChoose(choice.value));

  function tell(title, sentence, command) {
    const key = JSON.stringify([title, sentence, command]);
    if (notice.dataset.shown === key) return;
    notice.dataset.shown = key;
    notice.replaceChildren(el('h2', {}, title), el('p', {}, sentence), ...(command ? [commandBox(command)] : []));
  }

  function draw() {
    const command = overview?.publishCommand ?? '';
    notice.hidden = false;
    if (connection === 'ended') tell('This stream has ended', sentenceOf(reason) || 'The service node said goodbye. The last figures stay on the page.');
    else if (overview === null && connection === 'reconnecting') tell('The edge does not answer', 'The page keeps trying and goes on as soon as it does.');
    else if (overview !== null && overview.channels.length === 0) tell('No channel yet', 'This edge is up and waits for a publisher. Send it a stream:', command);
    else if (hasView && !isOnAir) tell('Off the air', 'The publisher is gone. The channel goes on where it stopped when it returns:', command);
    else notice.hidden = true;
  }

  function drawChoice(channel) {
    const names = overview.channels.map(({ name }) => name);
    const isMany = names.length > 1;
    choice.hidden = !isMany;
    byId('channel-name').hidden = isMany;
    if (choice.dataset.names !== names.join('\n')) {
      choice.dataset.names = names.join('\n');
      choice.replaceChildren(...names.map((name) => el('option', { value: name }, name)));
    }
    if (channel !== null) choice.value = channel;
  }

  return {
    setConnection(state, why) {
      connection = state;
      reason = why;
      byId('connection').dataset.state = state;
      setText(byId('connection'), CONNECTION[state]);
      draw();
    },
    setOverview(next, channel) {
      overview = next;
      setText(byId('footer'), `${overview.program}${overview.role === 'demo' ? ', demo: publisher, edge and viewers in one process' : ''}`);
      drawChoice(channel);
      draw();
    },
    update({ channel, edge }) {
      hasView = true;
      isOnAir = channel.isOnAir;
      document.title = `${channel.name} · LiveSky`;
      setText(byId('channel-name'), channel.name);
      byId('channel-air').hidden = false;
      byId('channel-air').dataset.on = String(isOnAir);
      setText(byId('channel-air'), isOnAir ? 'On air' : 'Off air');
      setText(byId('channel-facts'), `${rate(channel.rateBps)}, up ${span(channel.uptimeS)}, edge ${edge.address}`);
      draw();
    },
  };
}

function sentenceOf(reason) {
  const trimmed = reason.trim();
  if (!trimmed) return '';
  const sentence = trimmed[0].toUpperCase() + trimmed.slice(1);
  return `${sentence}${/[.!?]$/.test(sentence) ? '' : '.'} The last figures stay on the page.`;
}

function commandBox(command) {
  const button = el('button', { type: 'button' }, 'Copy');
  button.addEventListener('click', async () => {
    try {
      await navigator.clipboard.writeText(command);
      setText(button, 'Copied');
    } catch {
      setText(button, 'Select it');
    }
  });
  return el('div', { class: 'command' }, el('code', {}, command), button);
}
